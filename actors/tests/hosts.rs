//! What the fleet promises of a command, of a read and of files on their way, kept on real hosts: OpenSSH as the
//! superuser, OpenSSH as an ordinary account, and the host inside this process.
//!
//! Every promise is one function and every host runs it, so that no kind of host has a weaker
//! test. Nothing here is a mock: each test starts its own servers and its own fleet.

// `cfg(test)` is always set here; it is what tells clippy that this is test code.
#[cfg(test)]
#[path = "hosts/broken.rs"]
mod broken;
#[cfg(test)]
#[path = "hosts/changes.rs"]
mod changes;
#[cfg(test)]
#[path = "hosts/commands.rs"]
mod commands;
#[cfg(test)]
#[path = "hosts/files.rs"]
mod files;
#[cfg(test)]
#[path = "hosts/loopback.rs"]
mod loopback;
#[cfg(test)]
#[path = "hosts/openssh.rs"]
mod openssh;
#[cfg(test)]
#[path = "hosts/processes.rs"]
mod processes;
#[cfg(test)]
#[path = "hosts/reads.rs"]
mod reads;
#[cfg(test)]
#[path = "hosts/rig.rs"]
mod rig;
#[cfg(test)]
#[path = "hosts/transfers.rs"]
mod transfers;
#[cfg(test)]
#[path = "hosts/urgency.rs"]
mod urgency;

/// One test for each promise, on the host a future gives.
macro_rules! promises {
    ($kind:ident: $rig:expr; $($file:ident: [$($promise:ident),+ $(,)?]),+ $(,)?) => {
        #[cfg(test)]
        mod $kind {
            $(mod $file {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let rig = $rig.await;
                    crate::$file::$promise(&rig).await;
                })+
            })+
        }
    };
}

/// Every promise on every kind of host.
macro_rules! on {
    ($($kind:ident: $rig:expr),+ $(,)?) => {$(
        promises!($kind: $rig;
            commands: [
                the_output_and_the_end_of_a_command_are_exact,
                the_exit_code_is_the_commands_own,
                a_signal_is_told_from_an_exit,
                arguments_arrive_as_they_are,
                standard_input_is_fed_to_its_end,
                a_command_that_gives_back_a_megabyte_of_input_is_not_stuck,
                output_past_the_limit_is_cut_and_counted,
                eight_commands_overlap_on_one_connection,
                two_hosts_keep_their_commands_apart,
                a_host_is_reached_before_there_is_work_for_it,
            ],
            processes: [
                a_command_out_of_time_is_stopped_and_that_is_proven,
                a_stray_in_a_session_of_its_own_is_stopped_too,
                a_command_that_ended_its_watchers_is_stopped_all_the_same,
                leaving_a_call_ends_its_processes,
                shutting_down_cuts_what_still_runs,
            ],
            files: [
                a_file_is_read_whole_in_part_and_from_its_end,
                a_large_file_arrives_unchanged,
                a_directory_is_listed_with_kinds_and_links,
                a_tree_is_read_to_its_depth,
                the_home_directory_is_where_the_account_lives,
                a_path_that_cannot_be_read_says_why,
                a_fifo_is_refused_at_once,
            ],
            transfers: [
                a_file_is_read_from_any_place_to_its_end,
                a_read_that_was_left_and_taken_up_again_misses_nothing,
                what_is_at_a_path_is_told_and_links_are_told_apart,
                only_regular_files_are_opened,
                operations_run_side_by_side_on_one_session,
                sessions_wait_for_each_other_and_none_fails,
            ],
            changes: [
                what_is_written_arrives_whole,
                any_name_can_be_made_moved_and_removed,
                nothing_is_overwritten_unasked,
                a_file_that_is_replaced_is_the_old_or_the_new_one,
                a_file_is_written_on_from_where_it_was_left,
                a_write_that_was_abandoned_is_no_success,
                a_full_disk_is_an_error_and_never_success,
            ],
            urgency: [
                an_interactive_call_overtakes_the_bulk_work_that_waits,
                bulk_work_has_its_turn_however_many_interactive_calls_come,
            ],
        );
    )+};
}

// What is promised of a read is kept where there is no SFTP: by a command.
promises!(openssh_without_sftp: crate::openssh::rig_with(crate::openssh::Account::Plain, "# No Subsystem.\n");
    files: [
        a_file_is_read_whole_in_part_and_from_its_end,
        a_tree_is_read_to_its_depth,
        the_home_directory_is_where_the_account_lives,
        a_path_that_cannot_be_read_says_why,
        a_fifo_is_refused_at_once,
    ],
    reads: [a_directory_without_sftp_has_every_name_and_kind],
);

on! {
    openssh_superuser: crate::openssh::rig(crate::openssh::Account::Own),
    openssh_account: crate::openssh::rig(crate::openssh::Account::Plain),
    loopback_host: crate::loopback::rig(),
}
