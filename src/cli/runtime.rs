//! How many threads the program works on.
//!
//! A call is a dozen short steps of as many tasks that wake each other. On one thread that costs
//! nothing; across threads every step may wake a sleeping one, which takes longer than the step. On
//! two cores, which are shared with everything else that the machine does, one thread answers a
//! single caller sooner and spends a third less of the processor, and many callers get as much done.
//! On larger machines there is more to gain from a second core than to lose between them.
//!
//! What blocks (files of this machine, comparisons) has threads of its own either way.

use std::io;
use std::thread::available_parallelism;
use tokio::runtime::{Builder, Runtime};

/// Cores up to which one thread does the work.
const FEW: usize = 2;

/// A runtime on so many threads; 0 asks the machine.
pub(super) fn with(threads: usize) -> io::Result<Runtime> {
    let cores = available_parallelism().map_or(1, usize::from);
    let mut builder = match chosen(threads, cores) {
        1 => Builder::new_current_thread(),
        threads => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    builder.enable_all().build()
}

/// The threads for a machine of so many cores, unless somebody chose.
fn chosen(threads: usize, cores: usize) -> usize {
    match (threads, cores) {
        (0, ..=FEW) => 1,
        (0, cores) => cores,
        (threads, _) => threads,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_machine_gets_one_thread_and_a_large_one_all_it_has() {
        assert_eq!([1, 2, 3, 16].map(|cores| chosen(0, cores)), [1, 1, 3, 16]);
        assert_eq!([1, 2, 8].map(|threads| chosen(threads, 2)), [1, 2, 8]);
    }
}
