//! Which shells of a host wait for a call, and how many there should be. Pure.
//!
//! A shell that waits, or is being armed or ended, takes one of the host's channels, as a running
//! command does. So there are only as many as the commands leave, a command that needs the channel gets
//! it, and a host that refuses one is not asked again on this connection.

use std::time::Duration;
use tokio::time::Instant;

/// How many shells wait for commands that end theirs: two, so that one is there while the other is made.
const SPARES: usize = 2;

/// How often arming may fail for another reason than a lack of channels.
const FAULTS: u8 = 2;

/// What ran in a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ran {
    /// A program that leaves nothing behind; its shell may serve others.
    SelfContained,
    /// Anything else; its shell ended with it.
    Whatever,
}

/// Names a shell that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(u64);

/// One that waits.
#[derive(Debug)]
struct Waiting<S> {
    id: Id,
    /// Whether a program ran in it before.
    used: bool,
    shell: S,
}

/// The shells of one connection. `S` is the right to one that waits.
#[derive(Debug)]
pub(crate) struct Pool<S> {
    /// Those that wait, the last used one last.
    waiting: Vec<Waiting<S>>,
    arming: usize,
    ending: Vec<Id>,
    /// Channels the host allows beside those that are not for commands, as far as is known.
    most: usize,
    faults: u8,
    next: u64,
}

impl<S> Pool<S> {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Vec::new(),
            arming: 0,
            ending: Vec::new(),
            most: usize::MAX,
            faults: 0,
            next: 0,
        }
    }

    /// Channels that are taken by shells no command runs in.
    pub(crate) fn held(&self) -> usize {
        self.waiting.len() + self.arming + self.ending.len()
    }

    /// Shells that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// A shell to run this in: the last used one, so that the others grow old where they are not needed.
    /// What a caller has run goes to none that was used: should something of a program that was thought
    /// to leave nothing have stayed, it must not speak in there.
    pub(crate) fn take(&mut self, ran: Ran) -> Option<S> {
        let serves = |waiting: &Waiting<S>| ran == Ran::SelfContained || !waiting.used;
        let at = self.waiting.iter().rposition(serves)?;
        Some(self.waiting.remove(at).shell)
    }

    /// A shell to be ended, because its channel is needed; one at a time.
    pub(crate) fn give_up(&mut self) -> Option<S> {
        (!self.waiting.is_empty() && self.ending.is_empty()).then(|| {
            let Waiting { id, shell, .. } = self.waiting.remove(0);
            self.ending.push(id);
            shell
        })
    }

    /// Whether there is a place for one more that waits, beside so many commands.
    pub(crate) fn has_room(&self, running: usize, limit: usize) -> bool {
        self.held() + running < limit.min(self.most)
    }

    /// One more waits.
    pub(crate) fn wait(&mut self, shell: S, used: bool) -> Id {
        let id = self.name();
        self.waiting.push(Waiting { id, used, shell });
        id
    }

    /// One that does not wait is being ended.
    pub(crate) fn end(&mut self) -> Id {
        let id = self.name();
        self.ending.push(id);
        id
    }

    fn name(&mut self) -> Id {
        self.next += 1;
        Id(self.next)
    }

    /// A shell has ended, by itself or because it was given up.
    pub(crate) fn ended(&mut self, id: Id) {
        self.waiting.retain(|waiting| waiting.id != id);
        self.ending.retain(|other| *other != id);
    }

    /// How many to arm now that this has run; they count as being armed from here on.
    pub(crate) fn arm(&mut self, ran: Ran, running: usize, limit: usize) -> usize {
        let wanted = match ran {
            _ if self.faults >= FAULTS => 0,
            Ran::SelfContained => 0,
            Ran::Whatever => SPARES,
        };
        let mut count = 0;
        let unused = self.waiting.iter().filter(|waiting| !waiting.used).count();
        while unused + self.arming < wanted && self.has_room(running, limit) {
            self.arming += 1;
            count += 1;
        }
        count
    }

    /// Arming is over.
    pub(crate) fn armed(&mut self) {
        self.arming = self.arming.saturating_sub(1);
        self.faults = 0;
    }

    /// The host refused the channel, beside so many commands.
    pub(crate) fn refused(&mut self, running: usize) {
        self.arming = self.arming.saturating_sub(1);
        self.most = (self.held() + running).min(self.most);
    }

    /// The shell did not report itself.
    pub(crate) fn failed(&mut self) {
        self.arming = self.arming.saturating_sub(1);
        self.faults = self.faults.saturating_add(1);
    }

    /// A channel is needed for something else than commands, beside so many of them: all that wait
    /// are to be ended, and there shall be fewer.
    pub(crate) fn make_way(&mut self, running: usize) -> Vec<S> {
        self.most = (self.held() + running).saturating_sub(1).min(self.most);
        self.ending
            .extend(self.waiting.iter().map(|waiting| waiting.id));
        let all = self.waiting.drain(..);
        all.map(|waiting| waiting.shell).collect()
    }
}

/// Until when a shell waits that is good until then.
pub(crate) fn until(now: Instant, good: Instant, idle: Duration) -> Option<Instant> {
    let until = now.checked_add(idle).map_or(good, |end| end.min(good));
    (until > now).then_some(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: u32) -> Pool<u32> {
        let mut pool = Pool::new();
        for shell in 0..count {
            pool.wait(shell, false);
        }
        pool
    }

    #[test]
    fn two_are_armed_behind_a_command_and_none_where_there_is_no_room() {
        let mut pool: Pool<u32> = Pool::new();
        assert_eq!(pool.arm(Ran::Whatever, 8, 8), 0);
        assert_eq!(pool.arm(Ran::Whatever, 7, 8), 1);
        assert_eq!(pool.arm(Ran::Whatever, 6, 8), 1);
        assert_eq!((pool.arm(Ran::Whatever, 1, 8), pool.held()), (0, 2));
        assert_eq!(filled(1).arm(Ran::SelfContained, 0, 8), 0);
    }

    #[test]
    fn the_last_used_one_serves_and_the_first_makes_way() {
        let mut pool = filled(3);
        assert_eq!(
            (pool.take(Ran::Whatever), pool.give_up()),
            (Some(2), Some(0))
        );
        assert_eq!((pool.held(), pool.waiting()), (2, 1));
        assert_eq!(pool.give_up(), None, "one at a time");
        pool.ended(Id(1));
        assert_eq!(pool.held(), 1);
    }

    #[test]
    fn one_that_ends_by_itself_waits_no_more() {
        let mut pool = filled(2);
        pool.ended(Id(1));
        let taken = (pool.take(Ran::Whatever), pool.take(Ran::Whatever));
        assert_eq!((taken, pool.held()), ((Some(1), None), 0));
    }

    #[test]
    fn what_a_caller_has_run_goes_to_no_shell_that_was_used() {
        let mut pool = Pool::new();
        pool.wait("new", false);
        pool.wait("used", true);
        assert_eq!(pool.take(Ran::Whatever), Some("new"));
        assert_eq!(pool.take(Ran::Whatever), None);
        assert_eq!(pool.arm(Ran::Whatever, 0, 8), 2, "beside it");
        assert_eq!(pool.take(Ran::SelfContained), Some("used"));
    }

    #[test]
    fn a_refusal_is_remembered() {
        let mut pool: Pool<u32> = Pool::new();
        assert_eq!(pool.arm(Ran::Whatever, 0, 8), 2);
        pool.armed();
        pool.wait(0, false);
        pool.refused(0);
        assert_eq!(pool.take(Ran::Whatever), Some(0));
        assert_eq!(pool.arm(Ran::Whatever, 1, 8), 0, "one is all there is");
        assert_eq!(pool.arm(Ran::Whatever, 0, 8), 1);
    }

    #[test]
    fn where_other_work_needs_the_only_channel_none_waits() {
        let mut pool = filled(1);
        assert_eq!(pool.make_way(0), [0]);
        pool.ended(Id(1));
        assert_eq!((pool.held(), pool.arm(Ran::Whatever, 0, 8)), (0, 0));
        assert!(!pool.has_room(0, 8));
    }

    #[test]
    fn a_host_that_arms_none_is_left_alone() {
        let mut pool: Pool<u32> = Pool::new();
        assert_eq!(pool.arm(Ran::Whatever, 0, 8), 2);
        pool.failed();
        pool.failed();
        assert_eq!(pool.arm(Ran::Whatever, 0, 8), 0);
    }

    #[test]
    fn a_shell_waits_no_longer_than_it_is_good() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        assert_eq!(until(now, now + second, second * 30), Some(now + second));
        assert_eq!(until(now, now + second * 60, second), Some(now + second));
        assert_eq!(until(now, now, second), None);
        assert_eq!(until(now + second, now, second), None);
    }
}
