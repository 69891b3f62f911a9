//! What is read of a log, and where it has gaps.

use jstack_runtime::SocketId;
use jstack_runtime::history::Epoch;
use tokio::time::sleep;

use super::*;

pub async fn what_came_after_a_position_is_read_in_order(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let since = std::time::SystemTime::now();
    for n in 1..=8 {
        here.publish(n).await;
    }
    let top = here.top().await;
    for after in 0..=8 {
        let page = here.after(at(top, after)).await;
        assert_eq!((page.top, page.more, page.gap), (top, false, None));
        assert_eq!(offsets(&page), (after + 1..=8).collect::<Vec<_>>());
        assert_eq!(texts(&page), texts_of(after + 1..=8));
        let since = since.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        for entry in page.entries {
            assert!((since..since + 10_000).contains(&entry.at_millis.into()));
        }
    }
}

pub async fn what_is_beyond_the_bounds_is_a_gap(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    for n in 1..=25 {
        here.publish(n).await;
    }
    let top = here.top().await;
    for after in [0, 1, 14] {
        let page = here.after(at(top, after)).await;
        assert_eq!((page.gap, page.top), (Some(GapReason::Expired), top), "{after}");
        assert_eq!(texts(&page), texts_of(16..=25));
    }
    let page = here.after(at(top, 15)).await;
    assert_eq!((page.gap, texts(&page)), (None, texts_of(16..=25)));
    // More than is kept in one publish, and fewer from now on.
    let texts_: Vec<_> = (26..=60).map(text).collect();
    let mut scratches = vec![Vec::new(); texts_.len()];
    let messages: Vec<_> = texts_
        .iter()
        .zip(&mut scratches)
        .map(|(text, scratch)| Publication::new(ROOM, text.as_bytes(), scratch))
        .collect();
    let keep = Keep { count: 4, ..KEEP };
    here.history.publish(&messages, keep, &*here.heard).await.unwrap();
    assert_eq!(texts(&here.last().await), texts_of(57..=60));
    assert_eq!(here.heard(60).await.len(), 60, "all are delivered");
}

pub async fn what_is_too_old_is_a_gap(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let keep = Keep { age: Duration::from_millis(300), ..KEEP };
    here.publish_with(ROOM, 1, keep).await;
    let top = here.top().await;
    sleep(Duration::from_millis(350)).await;
    let page = here.after(at(top, 0)).await;
    assert_eq!((page.gap, page.entries, page.top), (Some(GapReason::Expired), vec![], top));
    assert_eq!(here.after(top).await.gap, None, "nothing is missing");
    assert_eq!(texts(&here.last().await), texts_of(0..0));
    here.publish_with(ROOM, 2, keep).await;
    let page = here.after(top).await;
    assert_eq!((page.gap, texts(&page), page.top), (None, vec![text(2)], at(top, 2)));
    assert_eq!(here.after(at(top, 0)).await.gap, Some(GapReason::Expired));
}

pub async fn a_position_that_the_log_never_had_is_a_gap(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    for n in 1..=3 {
        here.publish(n).await;
    }
    let top = here.top().await;
    let other = Epoch::new(top.epoch().number() ^ 1);
    for wrong in [Position::new(other, 0), Position::new(other, 2), at(top, 4), at(top, u64::MAX)] {
        let page = here.after(wrong).await;
        assert_eq!((page.gap, page.top), (Some(GapReason::Reset), top), "{wrong}");
        assert_eq!(texts(&page), texts_of(1..=3));
    }
}

pub async fn pages_go_forward_without_holes(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let keep = Keep { count: 100, ..KEEP };
    for n in 10..60 {
        here.publish_with(ROOM, n, keep).await;
    }
    let top = here.top().await;
    // `["n",10]` is eight bytes long, and an entry always fits.
    for (items, bytes, of_page) in [(7, usize::MAX, 7), (usize::MAX, 27, 3), (5, 16, 2), (9, 0, 1)]
    {
        let (mut from, mut all) = (at(top, 0), Vec::new());
        loop {
            let page = here.history.after(ROOM, from, PageLimit { items, bytes }).await.unwrap();
            assert!(page.entries.len() == of_page || !page.more, "{items}, {bytes}");
            assert_eq!((page.gap, page.top), (None, top));
            all.extend(texts(&page));
            from = at(top, page.entries.last().unwrap().offset);
            if !page.more {
                break;
            }
        }
        assert_eq!((all, from), (texts_of(10..60), top));
    }
}

pub async fn pages_go_back_without_holes(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let keep = Keep { count: 100, ..KEEP };
    for n in 10..60 {
        here.publish_with(ROOM, n, keep).await;
    }
    for (items, bytes, of_page) in [(7, usize::MAX, 7), (usize::MAX, 27, 3), (5, 16, 2), (9, 0, 1)]
    {
        let (mut before, mut all) = (None, Vec::new());
        loop {
            let limit = PageLimit { items, bytes };
            let page = here.history.before(ROOM, before, limit).await.unwrap();
            assert!(page.entries.len() == of_page || !page.more, "{items}, {bytes}");
            assert_eq!(page.gap, None);
            all.splice(0..0, texts(&page));
            before = Some(page.entries[0].offset);
            if !page.more {
                break;
            }
        }
        assert_eq!(all, texts_of(10..60));
    }
    for none in [0, 1] {
        let page = here.history.before(ROOM, Some(none), ALL).await.unwrap();
        assert_eq!((page.entries, page.more), (vec![], false));
    }
}

pub async fn an_entry_keeps_whom_it_is_not_for(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let ids: Vec<SocketId> = (1..3).map(|n| format!("{n:032x}").parse().unwrap()).collect();
    let rooms = ["a,b".into(), "ä".into()];
    let mut scratch = Vec::new();
    let mut message = Publication::new(ROOM, b"[\"n\",1]", &mut scratch);
    (message.except, message.except_rooms) = (&ids, &rooms);
    here.history.publish(&[message], KEEP, &*here.heard).await.unwrap();
    let page = here.last().await;
    let entry = &page.entries[0];
    assert_eq!((&entry.except, &entry.except_rooms[..]), (&ids, &rooms[..]));
    let mut scratch = Vec::new();
    let message = entry.message(ROOM, page.top, &mut scratch);
    assert_eq!((message.except, message.except_rooms), (&ids[..], &rooms[..]));
    assert_eq!((message.json(), message.position), (&b"[\"n\",1]"[..], Some(page.top)));
}

pub async fn a_large_message_is_kept_whole(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let large = format!("[\"n\",\"{}\"]", "ä".repeat(1 << 20));
    let mut scratch = Vec::new();
    let message = Publication::new(ROOM, large.as_bytes(), &mut scratch);
    here.history.publish(&[message], KEEP, &*here.heard).await.unwrap();
    assert!(here.heard(1).await[0].1 == large);
    let limit = PageLimit { items: 10, bytes: 1_000 };
    let page = here.history.before(ROOM, None, limit).await.unwrap();
    assert!(texts(&page) == [large]);
}
