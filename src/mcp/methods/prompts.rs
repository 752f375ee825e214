//! `prompts/list`, `prompts/get`, `completion/complete`.

use std::sync::Arc;

use jsonrpsee::types::ErrorObjectOwned;
use rmcp::model::{
    CompleteRequestParams, CompleteResult, CompletionInfo, GetPromptRequestParams,
    ListPromptsResult, PaginatedRequestParams, Prompt,
};

use super::resources::strip;
use super::{Ask, Done, Table, write};
use crate::mcp::answer::Hold;
use crate::mcp::catalogue::{Completion, PromptCall};
use crate::mcp::error::CallError;
use crate::mcp::finish::Finish;
use crate::mcp::lists::page;
use crate::mcp::written::{Lists, Written};

/// How long clients may keep the list: it is part of the program.
const LIST_TTL_MS: u64 = 60_000;

pub(super) fn register(table: &mut Table) {
    let lists = Arc::new(Lists::default());
    table.method("prompts/list", move |ask: Ask| {
        let done = list(&ask, &lists);
        async move { done }
    });
    table.method("prompts/get", fill_in);
}

pub(super) fn register_completion(table: &mut Table) {
    table.method("completion/complete", complete);
}

fn list(ask: &Ask, lists: &Lists<Prompt>) -> Result<Done, ErrorObjectOwned> {
    let asked: PaginatedRequestParams = ask.parse()?;
    let prompts = ask.catalogue.prompts(&ask.context.extensions);
    let written = match asked.cursor.as_deref() {
        None => lists.written(&prompts, ask.context.version, || {
            listed(ask, &prompts, None)
        }),
        cursor => listed(ask, &prompts, cursor),
    };
    Ok(written?.into())
}

fn listed(
    ask: &Ask,
    prompts: &[Prompt],
    cursor: Option<&str>,
) -> Result<Written, ErrorObjectOwned> {
    let page = page(prompts, cursor)?;
    let version = ask.context.version;
    let fit = |prompt: &Prompt| {
        let mut prompt = prompt.clone();
        strip(version, &mut prompt.title, &mut prompt.icons);
        prompt
    };
    let mut result = ListPromptsResult::with_all_items(page.items.iter().map(fit).collect());
    result.next_cursor = page.next;
    result.finish(version.era(), &ask.catalogue.implementation(), LIST_TTL_MS);
    write(&result, Hold::default())
}

async fn fill_in(ask: Ask) -> Result<Done, ErrorObjectOwned> {
    let asked: GetPromptRequestParams = ask.parse()?;
    let era = ask.era();
    let arguments = asked.arguments.unwrap_or_default();
    let prompts = ask.catalogue.prompts(&ask.context.extensions);
    let Some(prompt) = prompts.iter().find(|prompt| prompt.name == asked.name) else {
        return Err(CallError::UnknownPrompt(asked.name).into_object(era));
    };
    let required = prompt
        .arguments
        .iter()
        .flatten()
        .filter(|one| one.required == Some(true));
    for argument in required {
        if !arguments.contains_key(&argument.name) {
            let why = format!(
                "prompt `{}` needs the argument `{}`",
                prompt.name, argument.name
            );
            return Err(CallError::Arguments(why).into_object(era));
        }
    }
    let call = PromptCall {
        name: asked.name,
        arguments,
        context: ask.context,
    };
    let outcome = ask.catalogue.prompt(call).await;
    let mut result = outcome.map_err(|error| error.into_object(era))?;
    result.finish(era, &ask.catalogue.implementation(), 0);
    Ok(write(&result, Hold::default())?.into())
}

async fn complete(ask: Ask) -> Result<Done, ErrorObjectOwned> {
    let asked: CompleteRequestParams = ask.parse()?;
    let era = ask.era();
    let chosen = asked
        .context
        .and_then(|context| context.arguments)
        .unwrap_or_default();
    let completion = Completion {
        reference: asked.r#ref,
        argument: asked.argument.name,
        value: asked.argument.value,
        chosen: chosen.into_iter().collect(),
        context: ask.context,
    };
    let outcome = ask.catalogue.complete(completion).await;
    let info = outcome.map_err(|error| error.into_object(era))?;
    let mut result = CompleteResult::new(bounded(info));
    result.finish(era, &ask.catalogue.implementation(), 0);
    Ok(write(&result, Hold::default())?.into())
}

/// At most 100 values go out (2025-03-26 and later); the rest is only counted.
fn bounded(mut info: CompletionInfo) -> CompletionInfo {
    let found = info.values.len();
    if found > CompletionInfo::MAX_VALUES {
        info.values.truncate(CompletionInfo::MAX_VALUES);
        info.total = info.total.or(u32::try_from(found).ok());
        info.has_more = Some(true);
    }
    info
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_suggestions_are_enough() {
        let mut info = CompletionInfo::default();
        info.values = (0..101).map(|n| n.to_string()).collect();
        let sent = bounded(info);
        assert_eq!(
            (sent.values.len(), sent.total, sent.has_more),
            (100, Some(101), Some(true))
        );
    }
}
