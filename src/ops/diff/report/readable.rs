//! A difference as text: nothing of it is lost without a trace, and a return can be seen.

/// The text. Bytes that are not UTF-8 are written `\xNN`, and with `returns` a return at the end of a
/// line is written `\r`.
pub(super) fn text(bytes: &[u8], returns: bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    match returns {
        true => text.replace("\r\n", "\\r\n"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_leaves_a_trace() {
        assert_eq!(
            text(b"-caf\xe9\r\n+caf\xc3\xa9\n", false),
            "-caf\\xe9\r\n+café\n"
        );
        assert_eq!(text(b"-a\r\n+a\n", true), "-a\\r\n+a\n");
        assert_eq!(text(b"\xf0\x9f", true), "\\xf0\\x9f");
    }
}
