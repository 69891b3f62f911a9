//! A signature-only parse: what a function is called with matters, its body does not. Bodies
//! stay tokens, so that code which is still being typed expands and completes.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Signature, Token, UseTree, Visibility, braced, token};

/// A function whose body was not looked at.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: TokenStream,
    /// It has `#[on]`, `#[connect]` or another attribute of this crate.
    pub(crate) is_handler: bool,
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body, .. } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

/// An item that is not a function, or a function whose signature is incomplete.
pub(crate) struct Other {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) rest: TokenStream,
    /// The names that it puts into the namespace of types.
    pub(crate) types: Vec<Ident>,
    /// Why the signature did not parse, where it is a function.
    pub(crate) unfinished: Option<syn::Error>,
}

pub(crate) enum Item {
    Function(Box<Function>),
    Other(Other),
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let unfinished = match Function::after(attrs.clone(), &input.fork()) {
            Ok(_) => {
                let mut function = Function::after(attrs, input)?;
                function.body = body(input);
                return Ok(Self::Function(Box::new(function)));
            }
            Err(error) => is_function(input).then_some(error),
        };
        let (types, ends_at_brace) = look(input);
        let mut rest = TokenStream::new();
        while !input.is_empty() {
            let tree: TokenTree = input.parse()?;
            let end = match &tree {
                TokenTree::Punct(punct) => punct.as_char() == ';',
                TokenTree::Group(group) => {
                    ends_at_brace && group.delimiter() == proc_macro2::Delimiter::Brace
                }
                _ => false,
            };
            rest.extend([tree]);
            if end {
                break;
            }
        }
        Ok(Self::Other(Other { attrs, rest, types, unfinished }))
    }
}

impl Function {
    /// Visibility and signature; the body is for the caller to take.
    fn after(attrs: Vec<Attribute>, input: ParseStream<'_>) -> syn::Result<Self> {
        let vis = input.parse()?;
        let sig = input.parse()?;
        Ok(Self { attrs, vis, sig, body: TokenStream::new(), is_handler: false })
    }
}

/// The body is one token tree: a brace group, `;`, the invisible group of a `$body:block`, or what
/// the editor writes in place of a block that it cannot read yet.
fn body(input: ParseStream<'_>) -> TokenStream {
    input.parse::<TokenTree>().map(TokenStream::from).unwrap_or_default()
}

/// Whether `fn` is ahead, after nothing but its qualifiers.
fn is_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    if ahead.parse::<Visibility>().is_err() {
        return false;
    }
    while ahead.peek(Token![const])
        || ahead.peek(Token![async])
        || ahead.peek(Token![unsafe])
        || ahead.peek(Token![extern])
    {
        let _ = ahead.parse::<TokenTree>();
        let _ = ahead.parse::<Option<syn::LitStr>>();
    }
    ahead.peek(Token![fn])
}

/// The type names that the item ahead defines, and whether a brace group ends it.
fn look(input: ParseStream<'_>) -> (Vec<Ident>, bool) {
    let ahead = input.fork();
    let _ = ahead.parse::<Visibility>();
    let mut names = Vec::new();
    let ends_at_brace = loop {
        let Ok(word) = ahead.call(Ident::parse_any) else { break true };
        match word.to_string().as_str() {
            "use" => {
                if let Ok(tree) = ahead.parse() {
                    imported(&tree, &mut names);
                }
                break false;
            }
            "type" => {
                names.extend(ahead.parse::<Ident>());
                break false;
            }
            "struct" | "enum" | "union" | "trait" | "mod" => {
                names.extend(ahead.parse::<Ident>());
                break true;
            }
            "const" | "static" => break false,
            "unsafe" | "auto" | "pub" => {}
            _ => break true,
        }
    };
    (names, ends_at_brace)
}

fn imported(tree: &UseTree, names: &mut Vec<Ident>) {
    match tree {
        UseTree::Path(path) => imported(&path.tree, names),
        UseTree::Name(name) => names.push(name.ident.clone()),
        UseTree::Rename(rename) => names.push(rename.rename.clone()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| imported(tree, names)),
        UseTree::Glob(_) => {}
    }
}

/// An inline module.
pub(crate) struct Module {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) inner: Vec<Attribute>,
    pub(crate) items: Vec<Item>,
}

/// The item that `#[procedure]` is on.
pub(crate) enum Target {
    Module(Module),
    /// `mod chat;`
    File(Ident),
    Function(Box<Function>),
    /// A function whose signature is still being typed.
    Unfinished(syn::Error),
    Neither,
}

impl Parse for Target {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        let attrs = ahead.call(Attribute::parse_outer)?;
        let vis = ahead.parse()?;
        if ahead.parse::<Option<Token![mod]>>()?.is_none() {
            let item = input.parse()?;
            // What follows a broken signature belongs to the item, too.
            let _ = input.parse::<TokenStream>();
            return Ok(match item {
                Item::Function(function) => Self::Function(function),
                Item::Other(Other { unfinished: Some(error), .. }) => Self::Unfinished(error),
                Item::Other(_) => Self::Neither,
            });
        }
        let ident = ahead.parse()?;
        let target = if ahead.peek(token::Brace) {
            let content;
            braced!(content in ahead);
            let inner = content.call(Attribute::parse_inner)?;
            let mut items = Vec::new();
            while !content.is_empty() {
                items.push(content.parse()?);
            }
            Self::Module(Module { attrs, vis, ident, inner, items })
        } else {
            Self::File(ident)
        };
        let _ = input.parse::<TokenStream>();
        Ok(target)
    }
}
