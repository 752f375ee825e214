//! Which handle OpenSSH will give next, so that a file can be read by it before it is known.
//!
//! Its server keeps handles in a table: what was freed last is given first, and a new one is made
//! when none is free (`handle_new` and `handle_unused`, sftp-server.c). It does what it is asked in
//! order, so whoever knows what was sent, in which order, knows the table. What is not known is
//! whether an open succeeds: after one, nothing can be foretold until its answer is there. Only
//! where the close goes out behind the open, by the handle foretold, is the table the same again
//! however the open ended.
//!
//! Nothing is foretold before one handle has been as expected, nor ever again after one was not.
//! This is arithmetic: it sends nothing, and waits for nothing.

use std::collections::VecDeque;

/// The table of a server, as far as it can be known.
#[derive(Debug)]
pub(super) struct Handles {
    trust: Trust,
    /// For each handle ever given, whether it is in use.
    used: Vec<bool>,
    /// Handles to be given again, the next one last.
    free: Vec<u32>,
    /// What was sent since an open whose outcome is not known, which is the first of them.
    open_ended: VecDeque<Sent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// No handle has been seen.
    Unproven,
    Proven,
    /// The server is of another kind.
    Off,
}

#[derive(Debug)]
enum Sent {
    Open { id: u32, outcome: Outcome },
    Close(u32),
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Unknown,
    Failed,
    Gave(u32),
}

impl Handles {
    /// A new table, which is empty. Without `hopes` nothing is ever foretold.
    pub(super) fn new(hopes: bool) -> Self {
        Self {
            trust: match hopes {
                true => Trust::Unproven,
                false => Trust::Off,
            },
            used: Vec::new(),
            free: Vec::new(),
            open_ended: VecDeque::new(),
        }
    }

    /// The handle that an open sent now will give, if that can be known. It is nobody's: whatever
    /// is done with it before the open is answered meets what the open gave, or nothing.
    pub(super) fn predict(&self) -> Option<u32> {
        let can = self.trust == Trust::Proven && self.open_ended.is_empty();
        can.then(|| self.next()).flatten()
    }

    /// An open was sent that is not closed behind it; `id` is that of the request.
    pub(super) fn opening(&mut self, id: u32) {
        if self.trust != Trust::Off {
            let outcome = Outcome::Unknown;
            self.open_ended.push_back(Sent::Open { id, outcome });
        }
    }

    /// An open was answered: with a handle, or with none.
    pub(super) fn opened(&mut self, id: u32, gave: Option<&[u8]>) {
        let answered = match gave.map(number) {
            None => Outcome::Failed,
            Some(Some(handle)) => Outcome::Gave(handle),
            Some(None) => return self.distrust(),
        };
        for sent in &mut self.open_ended {
            match sent {
                Sent::Open { id: of, outcome } if *of == id => *outcome = answered,
                _ => {}
            }
        }
        self.settle();
    }

    /// A close was sent.
    pub(super) fn closing(&mut self, handle: &[u8]) {
        match number(handle) {
            Some(handle) if self.open_ended.is_empty() => self.close(handle),
            Some(handle) if self.trust != Trust::Off => {
                self.open_ended.push_back(Sent::Close(handle));
            }
            _ => {}
        }
    }

    /// A handle was not the one foretold: nothing is foretold any more.
    pub(super) fn distrust(&mut self) {
        *self = Self::new(false);
    }

    /// Does what was sent, up to the first open whose outcome is not known.
    fn settle(&mut self) {
        loop {
            match self.open_ended.front() {
                None
                | Some(Sent::Open {
                    outcome: Outcome::Unknown,
                    ..
                }) => return,
                Some(&Sent::Close(handle)) => self.close(handle),
                Some(&Sent::Open {
                    outcome: Outcome::Failed,
                    ..
                }) => {}
                Some(&Sent::Open {
                    outcome: Outcome::Gave(handle),
                    ..
                }) => {
                    if self.next() != Some(handle) {
                        return self.distrust();
                    }
                    self.take(handle);
                }
            }
            self.open_ended.pop_front();
        }
    }

    fn next(&self) -> Option<u32> {
        match self.free.last() {
            Some(handle) => Some(*handle),
            // The server counts in an `int` and stops there.
            None => u32::try_from(self.used.len())
                .ok()
                .filter(|next| i32::try_from(*next).is_ok()),
        }
    }

    fn take(&mut self, handle: u32) {
        self.trust = Trust::Proven;
        if self.free.pop().is_none() {
            self.used.push(true);
        } else if let Some(used) = self.used.get_mut(handle as usize) {
            *used = true;
        }
    }

    /// Frees a handle; the server refuses to close what is not open.
    fn close(&mut self, handle: u32) {
        if let Some(used) = self.used.get_mut(handle as usize)
            && std::mem::take(used)
        {
            self.free.push(handle);
        }
    }
}

/// The handle of a table's entry (`handle_to_string`, sftp-server.c).
pub(super) fn handle(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

fn number(handle: &[u8]) -> Option<u32> {
    handle.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A server's table, as a list linked through its entries.
    #[derive(Default)]
    struct Server {
        entries: Vec<(bool, Option<usize>)>,
        first: Option<usize>,
    }

    impl Server {
        fn open(&mut self) -> u32 {
            let at = self.first.unwrap_or_else(|| {
                self.entries.push((false, None));
                self.entries.len() - 1
            });
            self.first = self.entries[at].1;
            self.entries[at] = (true, None);
            at as u32
        }

        fn close(&mut self, handle: u32) -> bool {
            let at = handle as usize;
            let is_open = self.entries.get(at).is_some_and(|entry| entry.0);
            if is_open {
                self.entries[at] = (false, self.first);
                self.first = Some(at);
            }
            is_open
        }
    }

    /// What a client does.
    #[derive(Debug, Clone)]
    enum Step {
        /// Opens, and leaves it open.
        Open { succeeds: bool },
        /// Opens, and closes in the same breath by the handle foretold.
        Visit { succeeds: bool },
        /// Closes what it opened.
        Close(usize),
        /// Hears this many answers.
        Hear(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            any::<bool>().prop_map(|succeeds| Step::Open { succeeds }),
            any::<bool>().prop_map(|succeeds| Step::Visit { succeeds }),
            (0_usize..9).prop_map(Step::Close),
            (1_usize..4).prop_map(Step::Hear),
        ]
    }

    fn proven() -> Handles {
        let mut handles = Handles::new(true);
        handles.opening(1);
        handles.opened(1, Some(&handle(0)));
        handles
    }

    proptest! {
        #[test]
        fn what_is_foretold_is_what_the_server_gives(steps in proptest::collection::vec(step(), 0..200)) {
            let (mut server, mut handles) = (Server::default(), Handles::new(true));
            let mut unheard = VecDeque::new();
            let mut open = Vec::new();
            let (mut id, mut heard_one) = (0, false);
            for step in steps {
                id += 1;
                match step {
                    Step::Open { succeeds } => {
                        handles.opening(id);
                        prop_assert_eq!(handles.predict(), None);
                        unheard.push_back((id, succeeds.then(|| server.open())));
                    }
                    Step::Visit { succeeds } => match handles.predict() {
                        None => prop_assert!(!heard_one || !unheard.is_empty()),
                        Some(foretold) => {
                            prop_assert!(heard_one && !open.contains(&foretold));
                            if succeeds {
                                prop_assert_eq!(server.open(), foretold);
                            }
                            prop_assert_eq!(server.close(foretold), succeeds, "nothing of others");
                        }
                    },
                    Step::Close(at) => {
                        if at < open.len() {
                            let closed = open.swap_remove(at);
                            handles.closing(&handle(closed));
                            prop_assert!(server.close(closed));
                        }
                    }
                    Step::Hear(answers) => {
                        for (id, gave) in unheard.drain(..answers.min(unheard.len())) {
                            handles.opened(id, gave.map(handle).as_ref().map(|gave| &gave[..]));
                            open.extend(gave);
                            heard_one |= gave.is_some();
                        }
                    }
                }
                prop_assert!(handles.trust != Trust::Off);
            }
        }

        #[test]
        fn answers_in_another_order_come_to_the_same(order in Just((0_u32..6).collect::<Vec<_>>()).prop_shuffle()) {
            let mut handles = proven();
            for id in 0..6 {
                handles.opening(10 + id);
            }
            handles.closing(&handle(0));
            for at in order {
                prop_assert_eq!(handles.predict(), None);
                handles.opened(10 + at, (at != 3).then(|| handle(1 + at - u32::from(at > 3))).as_ref().map(|gave| &gave[..]));
            }
            prop_assert_eq!(handles.predict(), Some(0));
        }
    }

    #[test]
    fn nothing_is_foretold_before_the_proof_nor_after_a_surprise() {
        let mut handles = Handles::new(true);
        assert_eq!(handles.predict(), None);
        handles.opening(1);
        handles.opened(1, None);
        assert_eq!(handles.predict(), None, "a failure proves nothing");
        let mut handles = proven();
        assert_eq!(handles.predict(), Some(1));
        for odd in [&b"\0\0\0\x07"[..], b"", b"\0\0\0\0\x01"] {
            let mut handles = proven();
            handles.opening(2);
            handles.opened(2, Some(odd));
            handles.opening(3);
            handles.opened(3, Some(&handle(1)));
            assert_eq!(handles.predict(), None);
        }
        handles.distrust();
        assert_eq!(handles.predict(), None);
        assert_eq!(Handles::new(false).predict(), None);
    }

    #[test]
    fn closing_what_is_not_open_frees_nothing() {
        let mut handles = proven();
        handles.closing(&handle(9));
        handles.closing(&handle(0));
        handles.closing(&handle(0));
        handles.closing(b"odd");
        handles.opening(2);
        handles.opened(2, Some(&handle(0)));
        assert_eq!(handles.predict(), Some(1));
    }
}
