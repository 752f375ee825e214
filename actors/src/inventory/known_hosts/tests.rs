//! The inventory as a whole, from files on disk.

use super::*;
