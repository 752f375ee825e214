//! The black-box tests: the built binary, real `sshd` processes, real faults. Each module is named by
//! the guarantee it proves; `support` is what they stand on, and `harness` proves that the support
//! itself does not lie. Nothing here reaches into the program's own modules.

#[cfg(test)]
mod a_live_check_proves_its_promises;
#[cfg(test)]
mod a_lost_connection_is_a_state;
#[cfg(test)]
mod a_slow_host_slows_nobody;
#[cfg(test)]
mod an_unreachable_host_is_left_alone;
#[cfg(test)]
mod every_client_is_served;
#[cfg(test)]
mod every_phase_has_a_deadline;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod hostile_hosts_are_contained;
#[cfg(test)]
mod one_connection_per_host;
#[cfg(test)]
mod resources_and_prompts;
#[cfg(test)]
mod support;
#[cfg(test)]
mod the_pool_keeps_its_capacity;
