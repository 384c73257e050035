//! How a frame is told from a KeyPackage; all that can be seen from outside is tested in `tests/key_packages`.

use super::{
    KeyPackageFlaw,
    reader::{suite, unframed},
};
use crate::names::CipherSuite;

#[test]
fn a_frame_is_recognised_by_the_version_behind_it() {
    assert_eq!(unframed(&[0, 1, 0, 5, 0, 1, 0, 2, 7]), Ok(&[0, 1, 0, 2, 7][..]));
    assert_eq!(unframed(&[0, 1, 0, 5, 0, 3]), Err(KeyPackageFlaw::VersionsDiffer { frame: 1, inside: 3 }));
}

#[test]
fn a_bare_package_of_suite_5_is_not_taken_for_a_frame() {
    // Suite 5 has the number of the wire format; its init key, a point on P-521, has 133 bytes: length 0x4085.
    let bare = [0, 1, 0, 5, 0x40, 0x85, 4];
    assert_eq!(unframed(&bare), Ok(&bare[..]));
    assert_eq!(suite(&bare), Ok(CipherSuite(5)));
}

#[test]
fn what_is_too_short_for_a_frame_is_left_alone() {
    for length in 0..6 {
        let bytes = &[0, 1, 0, 5, 0][..length.min(5)];
        assert_eq!(unframed(bytes), Ok(bytes));
    }
}
