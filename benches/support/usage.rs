//! What processes use, as `/proc` says it (proc(5)).

use std::collections::HashMap;

use super::real::procs;

/// Ticks of a second in `/proc`, the same on every Linux that people run (time(7), `USER_HZ`).
const TICKS: f64 = 100.0;

/// Memory, processor time and descriptors of one process, or of several together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) processes: usize,
    /// Resident memory; what processes share counts for each of them.
    pub(crate) rss_mib: f64,
    /// Seconds of processor time, with those of children that ended.
    pub(crate) cpu: f64,
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
}

impl Usage {
    /// One process; nothing when it is gone.
    pub(crate) fn of(pid: i32) -> Self {
        Self::read(pid).unwrap_or_default()
    }

    /// These processes and all that is below them, from one look at the machine.
    pub(crate) fn of_trees(roots: &[i32]) -> Self {
        let mut below: HashMap<i32, Vec<i32>> = HashMap::new();
        for proc in procs::all() {
            below.entry(proc.parent).or_default().push(proc.pid);
        }
        let mut all = Self::default();
        let mut heads = roots.to_vec();
        while let Some(pid) = heads.pop() {
            all.add(Self::of(pid));
            heads.extend(below.remove(&pid).unwrap_or_default());
        }
        all
    }

    fn add(&mut self, other: Self) {
        self.processes += other.processes;
        self.rss_mib += other.rss_mib;
        self.cpu += other.cpu;
        self.descriptors += other.descriptors;
        self.threads += other.threads;
    }

    fn read(pid: i32) -> Option<Self> {
        let place = |file: &str| format!("/proc/{pid}/{file}");
        let stat = std::fs::read_to_string(place("stat")).ok()?;
        // The name may hold anything, also spaces and brackets.
        let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let times = [14, 15, 16, 17].map(field);
        let ticks: f64 = times.into_iter().flatten().sum();
        let status = std::fs::read_to_string(place("status")).ok()?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let rss = rss.and_then(|rss| rss.split_whitespace().next()?.parse::<f64>().ok());
        let count = |file| std::fs::read_dir(place(file)).map_or(0, Iterator::count);
        Some(Self {
            processes: 1,
            rss_mib: rss.unwrap_or_default() / 1024.0,
            cpu: ticks / TICKS,
            descriptors: count("fd"),
            threads: count("task"),
        })
    }
}
