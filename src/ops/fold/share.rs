//! Dividing a bounded answer among its groups. Pure.

/// How much of `total` each of these lengths gets: all it needs, or else an equal part of what those
/// that need less leave over.
pub(in crate::ops) fn shares(lengths: &[usize], total: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&at| lengths.get(at));
    let mut shares = vec![0; lengths.len()];
    let (mut left, mut waiting) = (total, lengths.len());
    for at in order {
        if let (Some(share), Some(&length)) = (shares.get_mut(at), lengths.get(at)) {
            *share = length.min(left / waiting.max(1));
            left -= *share;
            waiting -= 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_small_ones_leave_over_goes_to_the_large() {
        assert_eq!(shares(&[10, 1000, 20, 1000], 230), [10, 100, 20, 100]);
        assert_eq!(shares(&[5, 5], 100), [5, 5]);
        assert_eq!(shares(&[], 100), [0; 0]);
    }

    proptest! {
        #[test]
        fn nothing_is_given_twice_or_kept_back(lengths in prop::collection::vec(0_usize..500, 0..30), total in 0_usize..5000) {
            let shares = shares(&lengths, total);
            let given: usize = shares.iter().sum();
            prop_assert!(given <= total);
            prop_assert!(shares.iter().zip(&lengths).all(|(share, length)| share <= length));
            let needed: usize = lengths.iter().sum();
            // Less than one byte for each is lost in dividing.
            prop_assert!(given + lengths.len() >= needed.min(total));
        }
    }
}
