//! Which addresses a lookup may connect to: those of the public internet, and no others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet. What the registries of special-purpose addresses (RFC 6890) or a
/// hoster keep for something else does not; an IPv6 address that contains an IPv4 one does not either, since what it
/// leads to is decided elsewhere.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|(net, length)| within_v4(address, *net, *length)),
        IpAddr::V6(address) => {
            within_v6(address, GLOBAL_UNICAST.0, GLOBAL_UNICAST.1)
                && !SPECIAL_V6.iter().any(|(net, length)| within_v6(address, *net, *length))
        }
    }
}

fn within_v4(address: Ipv4Addr, net: [u8; 4], length: u32) -> bool {
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    (address.to_bits() ^ Ipv4Addr::from(net).to_bits()) & mask == 0
}

fn within_v6(address: Ipv6Addr, net: [u16; 8], length: u32) -> bool {
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    (address.to_bits() ^ Ipv6Addr::from(net).to_bits()) & mask == 0
}

const SPECIAL_V4: [([u8; 4], u32); 18] = [
    ([0, 0, 0, 0], 8),        // this network (RFC 791)
    ([10, 0, 0, 0], 8),       // private (RFC 1918)
    ([100, 64, 0, 0], 10),    // shared with a carrier's NAT (RFC 6598); one hoster's metadata, too
    ([127, 0, 0, 0], 8),      // loopback (RFC 1122)
    ([168, 63, 129, 16], 32), // one hoster's host agent
    ([169, 254, 0, 0], 16),   // link-local (RFC 3927), metadata of most hosters
    ([172, 16, 0, 0], 12),    // private (RFC 1918)
    ([192, 0, 0, 0], 24),     // protocol assignments (RFC 6890)
    ([192, 0, 2, 0], 24),     // documentation (RFC 5737)
    ([192, 31, 196, 0], 24),  // AS112 (RFC 7535)
    ([192, 52, 193, 0], 24),  // AMT (RFC 7450)
    ([192, 88, 99, 0], 24),   // relays of 6to4 (RFC 7526)
    ([192, 168, 0, 0], 16),   // private (RFC 1918)
    ([192, 175, 48, 0], 24),  // AS112 (RFC 7534)
    ([198, 18, 0, 0], 15),    // benchmarks (RFC 2544)
    ([198, 51, 100, 0], 24),  // documentation (RFC 5737)
    ([203, 0, 113, 0], 24),   // documentation (RFC 5737)
    ([224, 0, 0, 0], 3),      // multicast, reserved, broadcast (RFC 1112, RFC 919)
];

/// All that is assigned for unicast so far (RFC 4291, IANA). Outside are loopback, IPv4-mapped addresses, NAT64
/// (64:ff9b::/96, 64:ff9b:1::/48), unique local, link-local and site-local addresses, and multicast.
const GLOBAL_UNICAST: ([u16; 8], u32) = ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

const SPECIAL_V6: [([u16; 8], u32); 6] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments, Teredo among them (RFC 2928, RFC 4380)
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation (RFC 3849)
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4, which contains an IPv4 address (RFC 3056)
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), // AS112 (RFC 7534)
    ([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16), // the 6bone, given back (RFC 3701)
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation (RFC 9637)
];
