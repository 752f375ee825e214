//! The black-box tests: the built binary, real `sshd` processes, real faults. Each module is named by
//! the guarantee it proves; `support` is what they stand on, and `harness` proves that the support
//! itself does not lie. Nothing here reaches into the program's own modules.

#[cfg(test)]
mod a_command_is_what_was_asked;
#[cfg(test)]
mod every_client_is_served;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod memory_is_bounded;
#[cfg(test)]
mod nothing_outlives_its_call;
#[cfg(test)]
mod output_is_honest;
#[cfg(test)]
mod support;
