//! The process group of a command, and the names of signals.
//!
//! A group is signalled only while its leader has not been reaped, because the number belongs to
//! it no longer than that.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use russh::Sig;
use tokio::process::Child;

/// A group; killed when dropped, unless its leader was reaped.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// The group a child leads.
    pub(super) fn of(child: &Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok());
        Self(leader.map(Pid::from_raw))
    }

    /// Passes a client's signal on; those that have no business here are ignored, as by sshd
    /// (`session_signal_req`, session.c).
    pub(super) fn signal(&self, signal: &Sig) {
        match signal {
            Sig::HUP => self.send(Signal::SIGHUP),
            Sig::INT => self.send(Signal::SIGINT),
            Sig::KILL => self.send(Signal::SIGKILL),
            Sig::TERM => self.send(Signal::SIGTERM),
            _ => {}
        }
    }

    /// The leader was reaped: its number may belong to somebody else from now on.
    pub(super) fn reaped(mut self) {
        self.0 = None;
    }

    fn send(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            // Fails when nobody is left, which is what a signal is for.
            let _sent = killpg(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.send(Signal::SIGKILL);
    }
}

/// The name of a signal (RFC 4254 §6.10); sshd says `SIG@openssh.com` for one that has none there.
pub(super) fn name(number: i32) -> Sig {
    match Signal::try_from(number) {
        Ok(Signal::SIGABRT) => Sig::ABRT,
        Ok(Signal::SIGALRM) => Sig::ALRM,
        Ok(Signal::SIGFPE) => Sig::FPE,
        Ok(Signal::SIGHUP) => Sig::HUP,
        Ok(Signal::SIGILL) => Sig::ILL,
        Ok(Signal::SIGINT) => Sig::INT,
        Ok(Signal::SIGKILL) => Sig::KILL,
        Ok(Signal::SIGPIPE) => Sig::PIPE,
        Ok(Signal::SIGQUIT) => Sig::QUIT,
        Ok(Signal::SIGSEGV) => Sig::SEGV,
        Ok(Signal::SIGTERM) => Sig::TERM,
        Ok(Signal::SIGUSR1) => Sig::USR1,
        Ok(Signal::SIGUSR2) => Sig::Custom("USR2".into()),
        _ => Sig::Custom("SIG@openssh.com".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use tokio::process::Command;

    fn sleeper() -> Child {
        let mut command = Command::new("sleep");
        command.arg("60").process_group(0).spawn().unwrap()
    }

    #[tokio::test]
    async fn a_group_is_signalled_by_name_and_killed_when_dropped() {
        let mut child = sleeper();
        let group = Group::of(&child);
        group.signal(&Sig::USR1);
        group.signal(&Sig::TERM);
        let ended = child.wait().await.unwrap();
        assert!(matches!(ended.signal().map(name), Some(Sig::TERM)));
        group.reaped();
        let mut child = sleeper();
        drop(Group::of(&child));
        let ended = child.wait().await.unwrap();
        assert!(matches!(ended.signal().map(name), Some(Sig::KILL)));
    }
}
