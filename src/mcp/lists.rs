//! Lists, page by page.
//!
//! A cursor is the number of items before the page. It is opaque to clients and worthless to an
//! attacker: what it leads to is the caller's own list.

use jsonrpsee::types::ErrorObjectOwned;

use super::error::invalid_params;

/// Items on a page. Most servers of this kind have one page; a fleet of thousands of hosts lists
/// its resources on several.
pub(super) const PAGE: usize = 1000;

/// A page and the cursor of the next one.
#[derive(Debug, PartialEq)]
pub(super) struct Page<'a, T> {
    pub(super) items: &'a [T],
    pub(super) next: Option<String>,
}

/// Cuts out the page at `cursor`. -32602 for a cursor this server cannot have given.
pub(super) fn page<'a, T>(
    all: &'a [T],
    cursor: Option<&str>,
) -> Result<Page<'a, T>, ErrorObjectOwned> {
    let start = match cursor {
        None => 0,
        Some(cursor) => position(cursor)
            .filter(|start| *start < all.len())
            .ok_or_else(|| invalid_params("`cursor` is not one this server gave"))?,
    };
    let end = all.len().min(start + PAGE);
    let next = (end < all.len()).then(|| end.to_string());
    Ok(Page {
        items: &all[start..end],
        next,
    })
}

fn position(cursor: &str) -> Option<usize> {
    let start: usize = cursor.parse().ok()?;
    (start > 0 && start.is_multiple_of(PAGE) && start.to_string() == cursor).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_a_list_once() {
        let all: Vec<usize> = (0..2 * PAGE + 1).collect();
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = page(&all, cursor.as_deref()).unwrap();
            seen.extend_from_slice(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_full_last_page_has_no_successor() {
        assert_eq!(page(&[0; PAGE], None).unwrap().next, None);
        assert!(page::<u8>(&[], None).unwrap().items.is_empty());
    }

    #[test]
    fn foreign_cursors_are_refused() {
        let all = [0; PAGE + 1];
        for cursor in [
            "",
            "0",
            "1",
            "-1000",
            "+1000",
            "01000",
            " 1000",
            "2000",
            "99999999999999999999",
        ] {
            assert!(page(&all, Some(cursor)).is_err(), "{cursor:?}");
        }
    }
}
