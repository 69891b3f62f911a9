//! `#[derive(Events)]`: the emitter, the sides, the table, and the implementation that names them.

use proc_macro2::TokenStream;
use quote::format_ident;
use syn::Type;

use super::emitter::{self, emitter};
use super::sides::Side;
use super::table::{self, table};
use crate::errors::Errors;
use crate::events::{self, Set};
use crate::model::{Event, Exchange};
use crate::types;

/// What is wrong with an event that only the server emits.
const REPLIED: &str = "declares `reply`, and only the server emits it: a handler replies to what \
     clients send; write `ask = …` for an answer of the client, or put the event into the set of \
     `incoming`";
/// What is wrong with an event that only clients emit.
const ASKED: &str = "declares `ask`, and only clients emit it: the server asks what it emits; \
     write `reply = …` for an answer of its handler, or put the event into the set of `outgoing`";

/// `#[derive(Events)] item`
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let expanded = match syn::parse2(item) {
        Ok(item) => {
            let set = events::read(&item, &mut errors);
            set.map(|set| items(&set))
        }
        Err(error) => {
            errors.add(error);
            None
        }
    };
    let errors = errors.into_tokens();
    code!(#expanded #errors)
}

fn items(set: &Set<'_>) -> TokenStream {
    let sides = [Side::asker(set), Side::replier(set), Side::requester(set)];
    let (emitter, table) = (emitter(set), table(set));
    let definitions = sides.iter().filter_map(|side| side.definition(set));
    let implementation = implementation(set, &sides);
    code! {
        #emitter
        #(#definitions)*
        #table
        #implementation
    }
}

/// `impl Events for Chat`
fn implementation(set: &Set<'_>, [asker, replier, requester]: &[Side<'_>; 3]) -> TokenStream {
    let Set { ident, rt, .. } = set;
    let name = emitter::name(set);
    let types = [asker.ty(), replier.ty(), requester.ty()];
    let [asker_type, replier_type, requester_type] = types;
    let constructors = [asker.constructor(), replier.constructor(), requester.constructor()];
    let (old, table, declared) = (emitter::deprecated(set), table::constants(set), declared(set));
    let emit = emit(set);
    code! {
        #old
        #[automatically_derived]
        impl #rt::Events for #ident {
            type Emitter<'a> = #name<'a>;
            type Asker<'a> = #asker_type;
            type Replier<'a> = #replier_type;
            type Requester<'a> = #requester_type;
            #table
            #declared
            fn emitter(target: #rt::__private::Target<'_>) -> #name<'_> {
                #name(target)
            }
            #(#constructors)*
            fn emit(&self, emitter: Self::Emitter<'_>) -> #rt::EmitFuture {
                #emit
            }
        }
    }
}

/// Emits an event by its own method.
fn emit(set: &Set<'_>) -> TokenStream {
    let Set { events, complete, .. } = set;
    if events.is_empty() && *complete {
        return code!(match *self {});
    }
    let arms = events.iter().filter(|event| event.emits).map(|event| {
        let Event { variant, method, cfgs, .. } = event;
        code!(#(#cfgs)* Self::#variant(payload) => emitter.#method(payload),)
    });
    let rest = (!complete).then(|| code!(_ => ::core::unimplemented!(),));
    code!(match self { #(#arms)* #rest })
}

/// The texts of compiler errors: what a handler returns, and what is wrong with an event in one
/// direction.
fn declared(set: &Set<'_>) -> TokenStream {
    let events = &set.events;
    let replies: Vec<_> = events.iter().filter_map(reply).collect();
    let replies = (!replies.is_empty())
        .then(|| code!(const REPLIES: &'static [(&'static str, &'static str)] = &[#(#replies,)*];));
    let one_way = |name: &str, of: fn(&Exchange) -> Option<&Type>, why: &str| {
        let name = format_ident!("{name}");
        let messages = events.iter().filter_map(|event| {
            let (variant, cfgs) = (&event.variant, &event.cfgs);
            of(&event.exchange)?;
            let message = format!("event `{variant}` {why}");
            Some(code!(#(#cfgs)* #message))
        });
        let messages: Vec<_> = messages.collect();
        (!messages.is_empty())
            .then(|| code!(const #name: &'static [&'static str] = &[#(#messages,)*];))
    };
    let replied = one_way("REPLIED", |exchange| exchange.reply.as_ref(), REPLIED);
    let asked = one_way("ASKED", |exchange| exchange.ask.as_ref(), ASKED);
    code!(#replies #replied #asked)
}

/// The name of an event with a reply, and what its handler returns.
fn reply(event: &Event) -> Option<TokenStream> {
    let Event { variant, cfgs, exchange, .. } = event;
    let reply = types::text(exchange.reply.as_ref()?);
    let name = variant.to_string();
    let help = format!(
        "event `{variant}` declares `reply = {reply}`: its handler returns `{reply}` or `Result<{reply}>`"
    );
    Some(code!(#(#cfgs)* (#name, #help)))
}
