//! The methods of the protocol over a catalogue.
//!
//! Handlers make the model's own types, finish them for the era of the request, and write them once,
//! straight into the text that is sent. What is the same for everybody is written once for all.

mod lifecycle;
mod prompts;
mod resources;
mod tools;

use std::sync::Arc;

use http::Extensions;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use jsonrpsee::{MethodCallback, MethodResponse, Methods};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::answer::Hold;
use super::catalogue::{Catalogue, Context};
use super::dispatch::Deadline;
use super::era::{Era, Version};
use super::error::{internal, invalid_params};
use super::ladder::Ticket;
use super::layer::Link;
use super::progress::{Outbound, Progress};
use super::written::Written;

/// What `initialize` agreed on, left in the extensions of its response for stdio to remember.
#[derive(Debug, Clone, Copy)]
pub(super) struct Negotiated(pub(super) Version);

/// Whether a method that is registered belongs to `era`.
pub(super) fn exists(method: &str, era: Era) -> bool {
    match method {
        "initialize" | "ping" => era == Era::Legacy,
        "server/discover" => era == Era::Modern,
        _ => true,
    }
}

/// The methods of what the catalogue offers.
pub(super) fn register(catalogue: Arc<dyn Catalogue>) -> Methods {
    let offers = catalogue.offers();
    let mut table = Table {
        methods: Methods::new(),
        catalogue,
    };
    lifecycle::register(&mut table);
    if offers.tools {
        tools::register(&mut table);
    }
    if offers.resources {
        resources::register(&mut table);
    }
    if offers.prompts {
        prompts::register(&mut table);
    }
    if offers.completions {
        prompts::register_completion(&mut table);
    }
    table.methods
}

/// One request at its handler.
struct Ask {
    catalogue: Arc<dyn Catalogue>,
    context: Context,
    link: Link,
    params: Params<'static>,
}

impl Ask {
    /// `params` as `T`; nothing sent counts as an empty object.
    fn parse<T: DeserializeOwned>(&self) -> Result<T, ErrorObjectOwned> {
        let text = self.params.as_str().unwrap_or("{}");
        serde_json::from_str(text)
            .map_err(|error| invalid_params(format!("`params` do not fit the method: {error}")))
    }

    fn era(&self) -> Era {
        self.context.version.era()
    }
}

/// A result that has been written, and what else the transport must know.
struct Done {
    written: Written,
    negotiated: Option<Version>,
}

impl From<Written> for Done {
    fn from(written: Written) -> Self {
        Self {
            written,
            negotiated: None,
        }
    }
}

/// Writes a result.
fn write<T: Serialize>(result: &T, hold: Hold) -> Result<Written, ErrorObjectOwned> {
    Written::new(result, hold).map_err(|error| {
        tracing::error!(%error, "a result cannot be sent");
        internal()
    })
}

/// Methods being registered.
struct Table {
    methods: Methods,
    catalogue: Arc<dyn Catalogue>,
}

impl Table {
    fn method<F, R>(&mut self, name: &'static str, handler: F)
    where
        F: Fn(Ask) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<Done, ErrorObjectOwned>> + Send,
    {
        let catalogue = Arc::clone(&self.catalogue);
        let callback = MethodCallback::Async(Arc::new(move |id, params, _, _, extensions| {
            let (catalogue, handler) = (Arc::clone(&catalogue), handler.clone());
            Box::pin(async move {
                let (context, link) = surroundings(extensions);
                let progress = context.progress.clone();
                let outcome = handler(Ask {
                    catalogue,
                    context,
                    link,
                    params,
                })
                .await;
                progress.close();
                match outcome {
                    Ok(Done {
                        written,
                        negotiated,
                    }) => {
                        let mut response = written.carried();
                        if let Some(version) = negotiated {
                            response.extensions_mut().insert(Negotiated(version));
                        }
                        response
                    }
                    Err(error) => MethodResponse::error(id, error),
                }
            })
        }));
        let registered = self.methods.verify_and_insert(name, callback);
        debug_assert!(registered.is_ok(), "method `{name}` is registered twice");
    }
}

/// What the layers left in the extensions, and what is the catalogue's.
fn surroundings(mut extensions: Extensions) -> (Context, Link) {
    let ticket = extensions.remove::<Ticket>();
    let outbound = extensions.remove::<Outbound>();
    let link = extensions
        .remove::<Link>()
        .unwrap_or_else(|| Link::stdio(None));
    let deadline = extensions
        .remove()
        .map_or_else(far, |Deadline(deadline)| deadline);
    let version = ticket
        .as_ref()
        .map_or(link.unstated, |ticket| ticket.version);
    let progress = match (ticket.and_then(|ticket| ticket.progress_token), outbound) {
        (Some(token), Some(outbound)) => Progress::new(token, outbound),
        _ => Progress::silent(),
    };
    (
        Context {
            version,
            deadline,
            progress,
            extensions,
        },
        link,
    )
}

fn far() -> Instant {
    Instant::now() + std::time::Duration::from_secs(24 * 3600)
}
