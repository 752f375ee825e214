//! The black-box tests: the built binary, real `sshd` processes, real faults. Each module is named by
//! the guarantee it proves; `support` is what they stand on, and `harness` proves that the support
//! itself does not lie. Nothing here reaches into the program's own modules.

#[cfg(test)]
mod a_broadcast_ends_by_its_deadline;
#[cfg(test)]
mod a_broadcast_is_bounded;
#[cfg(test)]
mod a_broadcast_is_one_answer;
#[cfg(test)]
mod a_command_is_what_was_asked;
#[cfg(test)]
mod a_command_line_is_taken_at_its_word;
#[cfg(test)]
mod a_comparison_shows_every_difference;
#[cfg(test)]
mod a_copy_is_whole_or_absent;
#[cfg(test)]
mod a_copy_resumes;
#[cfg(test)]
mod a_deadline_follows_the_host;
#[cfg(test)]
mod a_fleet_of_scouts;
#[cfg(test)]
mod a_large_copy_is_in_nobodys_way;
#[cfg(test)]
mod a_live_check_proves_its_promises;
#[cfg(test)]
mod a_lost_connection_is_a_state;
#[cfg(test)]
mod a_search_is_exact;
#[cfg(test)]
mod a_shell_waits_for_the_next_command;
#[cfg(test)]
mod a_slow_host_slows_nobody;
#[cfg(test)]
mod an_expression_selects_what_it_says;
#[cfg(test)]
mod an_unreachable_host_is_left_alone;
#[cfg(test)]
mod any_bytes_arrive_as_they_are;
#[cfg(test)]
mod completion_suggests_what_there_is;
#[cfg(test)]
mod drift_is_found_in_one_call;
#[cfg(test)]
mod every_client_is_served;
#[cfg(test)]
mod every_panel_has_data;
#[cfg(test)]
mod every_phase_has_a_deadline;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod host_keys_are_strict;
#[cfg(test)]
mod hostile_hosts_are_contained;
#[cfg(test)]
mod hostile_values_stay_values;
#[cfg(test)]
mod it_ends_in_order;
#[cfg(test)]
mod local_paths_stay_in_their_roots;
#[cfg(test)]
mod many_hosts_at_a_prompt;
#[cfg(test)]
mod memory_is_bounded;
#[cfg(test)]
mod metrics_tell_the_truth;
#[cfg(test)]
mod no_key_no_call;
#[cfg(test)]
mod nothing_outlives_its_call;
#[cfg(test)]
mod one_connection_per_host;
#[cfg(test)]
mod output_is_honest;
#[cfg(test)]
mod resources_and_prompts;
#[cfg(test)]
mod resources_tell_what_a_host_runs;
#[cfg(test)]
mod roles_and_scopes_hold;
#[cfg(test)]
mod secrets_stay_inside;
#[cfg(test)]
mod support;
#[cfg(test)]
mod the_documented_examples_work;
#[cfg(test)]
mod the_pool_keeps_its_capacity;
#[cfg(test)]
mod the_terminal_knows_what_can_follow;
#[cfg(test)]
mod what_is_used_often_is_warm;
