//! Checks that a JSON text means the same to every reader.
//!
//! Duplicate keys are read differently by different parsers, which lets a message mean one thing to
//! a proxy and another to the server (RFC 8259, section 4); deep nesting exhausts stacks. Builds no
//! value.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// How deep arrays and objects may nest.
pub(super) const MAX_DEPTH: usize = 64;

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not JSON at all.
    Syntax,
    /// JSON, but an object has the same key twice.
    DuplicateKey,
    /// JSON, but nested deeper than [`MAX_DEPTH`].
    Depth,
}

/// Reads the whole text.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    let fault = std::cell::Cell::new(Fault::Syntax);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Element {
        depth: 0,
        fault: &fault,
    }
    .deserialize(&mut deserializer)
    .and_then(|()| deserializer.end())
    .map_err(|_| fault.get())
}

/// One value at some depth. The reason of a refusal is left in `fault`, because serde's errors
/// carry text only.
#[derive(Clone, Copy)]
struct Element<'a> {
    depth: usize,
    fault: &'a std::cell::Cell<Fault>,
}

impl Element<'_> {
    fn refuse<T, E: de::Error>(self, fault: Fault) -> Result<T, E> {
        self.fault.set(fault);
        Err(E::custom("refused"))
    }

    fn descend<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return self.refuse(Fault::Depth);
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inner = self.descend()?;
        while seq.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.descend()?;
        let mut keys = Keys::default();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if !keys.insert(key) {
                return self.refuse(Fault::DuplicateKey);
            }
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// Keys of one object that are compared one by one; with more of them, hashing is faster.
const FEW: usize = 16;

/// The keys of one object so far.
#[derive(Default)]
struct Keys<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Keys<'de> {
    /// Whether the key is new.
    fn insert(&mut self, key: Cow<'de, str>) -> bool {
        if !self.many.is_empty() {
            return self.many.insert(key);
        }
        if self.few.contains(&key) {
            return false;
        }
        self.few.push(key);
        if self.few.len() == FEW {
            self.many.extend(self.few.drain(..));
        }
        true
    }
}

/// A key after unescaping, borrowed where it needs none.
struct Key<'de>(Cow<'de, str>);

impl<'de> de::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_json_passes() {
        for text in [
            "{}",
            "[]",
            "1",
            r#"{"a":[1,-2,3.5,null,true,"x"],"b":{"a":{"a":1}}}"#,
            " {} ",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn broken_json_is_a_syntax_fault() {
        for text in [
            "",
            "{",
            "{}x",
            "{\"a\":}",
            "nul",
            "{'a':1}",
            "{\"a\":1,}",
            "\"\\ud800\"",
        ] {
            assert_eq!(check(text), Err(Fault::Syntax), "{text}");
        }
    }

    #[test]
    fn the_same_key_twice_is_refused_however_it_is_spelt() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"k":{},"k":{}}]}"#,
        ] {
            assert_eq!(check(text), Err(Fault::DuplicateKey), "{text}");
        }
    }

    #[test]
    fn the_same_key_twice_is_found_among_many() {
        let object = |keys: &[usize]| {
            let members: Vec<String> = keys.iter().map(|key| format!("\"{key}\":0")).collect();
            format!("{{{}}}", members.join(","))
        };
        for many in [FEW - 1, FEW, FEW + 1, 3 * FEW] {
            let mut keys: Vec<usize> = (0..many).collect();
            assert_eq!(check(&object(&keys)), Ok(()), "{many}");
            for twice in [0, many / 2, many - 1] {
                keys.push(twice);
                assert_eq!(check(&object(&keys)), Err(Fault::DuplicateKey), "{many}");
                keys.pop();
            }
        }
    }

    #[test]
    fn depth_is_counted_over_both_kinds_of_nesting() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(check(&nested(MAX_DEPTH + 1)), Err(Fault::Depth));
        let objects = r#"{"a":"#.repeat(MAX_DEPTH) + "[]" + &"}".repeat(MAX_DEPTH);
        assert_eq!(check(&objects), Err(Fault::Depth));
        assert_eq!(check(&nested(2_000_000)), Err(Fault::Depth));
    }
}
