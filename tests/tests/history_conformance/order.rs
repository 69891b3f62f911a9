//! How messages are numbered and delivered.

use super::*;
use crate::redis_support::Random;

pub async fn messages_are_numbered_from_one_and_delivered_with_their_numbers(
    setting: &dyn Setting,
) {
    let here = Process::of(setting.broker()).await;
    for n in 0..3 {
        here.publish(n).await;
    }
    let texts: Vec<_> = (3..6).map(text).collect();
    let mut scratches = vec![Vec::new(); 3];
    let messages: Vec<_> = texts
        .iter()
        .zip(&mut scratches)
        .map(|(text, scratch)| Publication::new(ROOM, text.as_bytes(), scratch))
        .collect();
    here.history.publish(&messages, KEEP, &*here.heard).await.unwrap();
    here.history.publish(&[], KEEP, &*here.heard).await.unwrap();
    let top = here.top().await;
    assert_eq!(top.offset(), 6);
    let expected: Vec<_> = (0..6).map(|n| (at(top, n + 1), text(n))).collect();
    assert_eq!(here.heard(6).await, expected);
}

pub async fn a_top_that_was_asked_for_is_followed_by_the_next_message(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let top = here.top().await;
    assert_eq!(here.top().await, top);
    assert_eq!((offsets(&here.last().await), here.after(top).await.gap), (vec![], None));
    here.publish(1).await;
    let next = at(top, top.offset() + 1);
    assert_eq!(here.heard(1).await, [(next, text(1))]);
    let page = here.after(top).await;
    assert_eq!((page.top, texts(&page), page.gap), (next, vec![text(1)], None));
}

pub async fn a_log_that_was_cleared_goes_on_with_its_numbers(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    for n in 1..=3 {
        here.publish(n).await;
    }
    let top = here.top().await;
    here.history.clear(ROOM).await.unwrap();
    assert_eq!(here.top().await, top);
    assert_eq!(here.last().await.entries, []);
    assert_eq!(here.after(at(top, 2)).await.gap, Some(GapReason::Expired));
    assert_eq!(here.after(top).await.gap, None);
    here.publish(4).await;
    let page = here.after(top).await;
    assert_eq!((page.gap, texts(&page), page.top), (None, vec![text(4)], at(top, 4)));
}

pub async fn rooms_have_logs_of_their_own(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let channels = [
        ROOM,
        Channel { scope: Scope::All, ..ROOM },
        Channel { scope: Scope::Room("all"), ..ROOM },
        Channel { scope: Scope::Room("ä{x}:*"), ..ROOM },
        Channel { procedure: "post/other", ..ROOM },
    ];
    for round in 0..2 {
        for (n, channel) in (0..).zip(channels) {
            here.publish_with(channel, 10 * round + n, KEEP).await;
        }
    }
    for (n, channel) in (0..).zip(channels) {
        let page = here.history.before(channel, None, ALL).await.unwrap();
        assert_eq!((texts(&page), offsets(&page)), (vec![text(n), text(10 + n)], vec![1, 2]));
    }
    // Messages of several rooms in one publish.
    let mut scratches = vec![Vec::new(); 5];
    let messages: Vec<_> = channels
        .iter()
        .zip(&mut scratches)
        .map(|(channel, scratch)| Publication::new(*channel, b"[\"n\",99]", scratch))
        .collect();
    here.history.publish(&messages, KEEP, &*here.heard).await.unwrap();
    for channel in channels {
        let page = here.history.before(channel, None, ALL).await.unwrap();
        assert_eq!((page.top.offset(), texts(&page)[2].clone()), (3, text(99)));
    }
}

pub async fn every_process_delivers_in_the_order_of_the_numbers(setting: &dyn Setting) {
    const EACH: u64 = 300;
    let mut processes = vec![Process::of(setting.broker()).await];
    for other in [setting.other(), setting.other()].into_iter().flatten() {
        processes.push(Process::of(other).await);
    }
    let processes = Arc::new(processes);
    let publishing: Vec<_> = (0..4)
        .map(|publisher| {
            let processes = processes.clone();
            tokio::spawn(async move {
                let process = &processes[publisher % processes.len()];
                for n in 0..EACH {
                    process.publish(publisher as u64 * EACH + n).await;
                }
            })
        })
        .collect();
    for publisher in publishing {
        publisher.await.unwrap();
    }
    let top = processes[0].top().await;
    assert_eq!(top.offset(), 4 * EACH);
    let first = processes[0].heard(4 * EACH as usize).await;
    assert!(first.iter().zip(1..).all(|((position, _), offset)| *position == at(top, offset)));
    for process in processes.iter() {
        assert_eq!(process.heard(4 * EACH as usize).await, first);
        let last: Vec<_> =
            first.iter().rev().take(10).rev().map(|(_, text)| text.clone()).collect();
        assert_eq!(texts(&process.last().await), last, "the log has the same order");
    }
}

pub async fn a_log_is_read_while_it_is_written(setting: &dyn Setting) {
    let here = Arc::new(Process::of(setting.broker()).await);
    let writing = {
        let here = here.clone();
        tokio::spawn(async move {
            for n in 1..=500 {
                here.publish(n).await;
            }
        })
    };
    let mut random = Random(7);
    loop {
        let done = writing.is_finished();
        let top = here.top().await;
        let back = random.below(12) as u64;
        let page = here.after(at(top, top.offset().saturating_sub(back))).await;
        let offsets = offsets(&page);
        // Page and top are of one moment.
        assert_eq!(offsets.last().copied().unwrap_or(page.top.offset()), page.top.offset());
        assert!(offsets.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{offsets:?}");
        assert_eq!(texts(&page), texts_of(offsets.into_iter()));
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
}
