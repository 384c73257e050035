//! Tests of what no socket is needed for: addresses, documents, the cache, the slots.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use kpd_directory::{ServerName, UserId};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Bounds, ForeignKeys, ResolveError, SIGNATURE_KEYS,
    address::is_public,
    cache::{Cache, Entry},
    documents,
    slots::Slots,
};

const PUBLIC: [&str; 8] = [
    "1.1.1.1",
    "9.255.255.255",
    "100.63.255.255",
    "100.128.0.0",
    "172.32.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
];

/// First and last of each range that is not public, and what is written in more than one way.
const NOT_PUBLIC: [&str; 66] = [
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.192",
    "192.0.0.255",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:1.1.1.1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::101:101",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:101:101::",
    "2620:4f:8000::1",
    "3ffe::1",
    "3fff::1",
    "3fff:fff:ffff::",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ffff::1",
];

#[test]
fn public_addresses_and_all_others() {
    for text in PUBLIC {
        assert!(is_public(text.parse().unwrap()), "{text}");
    }
    for text in NOT_PUBLIC {
        assert!(!is_public(text.parse().unwrap()), "{text}");
    }
}

proptest! {
    /// What the standard library knows to be special is not public, in whatever IPv6 address it is wrapped.
    #[test]
    fn nothing_special_is_public(bits: u32) {
        let v4 = Ipv4Addr::from_bits(bits);
        let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
            || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified() || v4.octets()[0] >= 224;
        prop_assert!(!special || !is_public(v4.into()), "{v4}");
        let [a, b] = [(bits >> 16) as u16, bits as u16];
        let wrapped = [
            v4.to_ipv6_mapped(), v4.to_ipv6_compatible(), Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b),
            Ipv6Addr::new(0x2002, a, b, 0, 0, 0, 0, 1), Ipv6Addr::new(0x2001, 0, a, b, 0, 0, 0, 1),
            Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, a, b),
        ];
        for address in wrapped {
            prop_assert!(!is_public(address.into()), "{address}");
        }
    }

    /// And nothing beyond what is assigned for unicast.
    #[test]
    fn only_what_is_assigned_is_public(bits: u128) {
        let v6 = Ipv6Addr::from_bits(bits);
        let special = v6.is_loopback() || v6.is_multicast() || v6.is_unspecified() || v6.is_unique_local()
            || v6.is_unicast_link_local() || v6.octets()[0] & 0xe0 != 0x20;
        prop_assert!(!special || !is_public(IpAddr::V6(v6)), "{v6}");
    }

    /// Every second one of these is special: the ranges themselves are hit, not only their surroundings.
    #[test]
    fn private_nets_are_never_public(low: u16, net in prop::sample::select(vec![
        [10, 0], [10, 255], [127, 0], [169, 254], [172, 16], [172, 31], [192, 168], [100, 64], [100, 127], [198, 18],
    ])) {
        let [c, d] = low.to_be_bytes();
        prop_assert!(!is_public(Ipv4Addr::new(net[0], net[1], c, d).into()));
    }

    #[test]
    fn documents_are_read_without_panic(bytes: Vec<u8>, at: usize, with: u8, cut: usize) {
        let _ = documents::list_url(&bytes, &bob());
        let _ = documents::keys(&bytes, &bob());
        for document in [jrd().to_string(), list().to_string()] {
            let mut bytes = document.into_bytes();
            let (at, cut) = (at % bytes.len(), cut % bytes.len());
            bytes[at] = with;
            let _ = documents::list_url(&bytes, &bob());
            let read = documents::keys(&bytes, &bob());
            prop_assert!(read.is_err() || read.is_ok_and(|keys| keys.keys().len() <= 1));
            bytes.truncate(cut);
            prop_assert!(documents::keys(&bytes, &bob()).is_err());
            prop_assert!(documents::list_url(&bytes, &bob()).is_err());
        }
    }
}

fn bob() -> UserId {
    UserId::parse("acct:bob@b.example").unwrap()
}

fn jrd() -> Value {
    let href = "https://b.example/v1/users/acct:bob@b.example/keys";
    json!({ "subject": "acct:bob@b.example", "links": [{ "rel": "other" }, { "rel": SIGNATURE_KEYS, "href": href }] })
}

fn list() -> Value {
    let id = kpd_directory::SignatureKey::new(kpd_directory::SignatureScheme::Ed25519, &[7; 32]).unwrap().id();
    let signature_key = data_encoding::BASE64.encode(&[7; 32]);
    let key = json!({ "id": id, "client": "phone", "scheme": "ed25519", "signature_key": signature_key, "added_at": 5,
        "expires_at": 9, "something": "new" });
    json!({ "user": "acct:bob@b.example", "keys": [key] })
}

#[test]
fn a_description_leads_to_the_list() {
    let url = documents::list_url(jrd().to_string().as_bytes(), &bob()).unwrap();
    assert_eq!(url.as_str(), "https://b.example/v1/users/acct:bob@b.example/keys");
    let told = |change: fn(&mut Value)| {
        let mut jrd = jrd();
        change(&mut jrd);
        documents::list_url(jrd.to_string().as_bytes(), &bob())
    };
    assert!(told(|jrd| jrd["subject"] = "acct:bob@B.EXAMPLE".into()).is_ok(), "hosts have no case");
    let others =
        [json!("acct:carol@b.example"), json!("acct:bob@c.example"), json!(""), json!("https://b.example/bob")];
    for (place, _) in others.iter().enumerate() {
        let mut jrd = jrd();
        jrd["subject"] = others[place].clone();
        let told = documents::list_url(jrd.to_string().as_bytes(), &bob());
        assert!(matches!(told, Err(ResolveError::OtherSubject { .. })), "{told:?}");
    }
    assert!(matches!(told(|jrd| jrd["subject"] = Value::Null), Err(ResolveError::OtherSubject { .. })));
    assert_eq!(told(|jrd| jrd["links"][1]["rel"] = "self".into()), Err(ResolveError::NoLink));
    assert_eq!(told(|jrd| jrd["links"] = json!([])), Err(ResolveError::NoLink));
    let relative = told(|jrd| jrd["links"][1]["href"] = "/keys".into());
    assert!(matches!(relative, Err(ResolveError::Malformed { .. })), "{relative:?}");
}

#[test]
fn a_list_vouches_for_its_user_and_for_what_is_understood() {
    let told = |change: fn(&mut Value)| {
        let mut list = list();
        change(&mut list);
        documents::keys(list.to_string().as_bytes(), &bob()).map(|keys| keys.keys().len())
    };
    assert_eq!(told(|_| ()), Ok(1));
    assert_eq!(told(|list| list["keys"][0]["scheme"] = "ed448".into()), Ok(0));
    assert_eq!(told(|list| list["keys"][0]["id"] = "A".repeat(43).into()), Ok(0), "an id is not believed");
    assert_eq!(told(|list| list["keys"][0]["signature_key"] = "AAAA".into()), Ok(0));
    let foreign = told(|list| list["user"] = "acct:carol@third.example".into());
    assert!(matches!(foreign, Err(ResolveError::OtherSubject { .. })), "{foreign:?}");
    assert!(matches!(told(|list| *list = json!([])), Err(ResolveError::Malformed { .. })));
    assert!(matches!(told(|list| list["keys"] = Value::Null), Err(ResolveError::Malformed { .. })));
}

fn found(user: &UserId, at: Instant, seconds: u64) -> Entry {
    let found = Ok(Arc::new(ForeignKeys { user: user.clone(), keys: vec![] }));
    Entry { found, at, fresh_for: Duration::from_secs(seconds), tag: None }
}

#[test]
fn the_cache_keeps_its_bounds_and_what_is_new() {
    let bounds = Bounds { cached_max: 20, ..Bounds::default() };
    let mut cache = Cache::new(&bounds);
    let begun = Instant::now();
    let user = |number: u64| UserId::parse(&format!("acct:u{number}@b.example")).unwrap();
    for number in 0..1_000 {
        let at = begun + Duration::from_secs(number);
        cache.put(&user(number), found(&user(number), at, 100));
        assert!(cache.size().0 <= 20);
        assert!(cache.fresh(&user(number), at).is_some());
    }
    let small = Bounds { cached_bytes_max: 3 * (cache.size().1 / cache.size().0), ..Bounds::default() };
    let mut cache = Cache::new(&small);
    for number in 0..100 {
        cache.put(&user(number), found(&user(number), begun, 100));
        assert!(cache.size().1 <= small.cached_bytes_max && cache.size().0 > 0, "{:?}", cache.size());
    }
    let end = begun + Duration::from_secs(100);
    assert!(cache.fresh(&user(99), end - Duration::from_nanos(1)).is_some());
    assert!(cache.fresh(&user(99), end).is_none(), "at its end it is not fresh");
}

#[test]
fn a_failure_does_not_take_the_place_of_what_is_fresh() {
    let mut cache = Cache::new(&Bounds::default());
    let now = Instant::now();
    cache.put(&bob(), found(&bob(), now, 10));
    let failure = |at| Entry { found: Err(ResolveError::TimedOut), ..found(&bob(), at, 10) };
    cache.put(&bob(), failure(now + Duration::from_secs(9)));
    assert!(cache.fresh(&bob(), now + Duration::from_secs(9)).unwrap().found.is_ok());
    cache.put(&bob(), failure(now + Duration::from_secs(10)));
    assert!(cache.fresh(&bob(), now + Duration::from_secs(11)).unwrap().found.is_err());
}

#[test]
fn lookups_are_few_in_all_at_one_host_and_in_a_minute() {
    let host = |name: &str| ServerName::parse(name).unwrap();
    let bounds =
        Bounds { lookups_max: 3, lookups_per_host_max: 2, lookups_per_host_and_minute_max: 4, ..Bounds::default() };
    let (slots, now) = (Slots::new(bounds), Instant::now());
    let first = slots.take(&host("a.example"), now).unwrap();
    let second = slots.take(&host("a.example"), now).unwrap();
    assert!(slots.take(&host("a.example"), now).is_none(), "two at one host");
    let third = slots.take(&host("b.example"), now).unwrap();
    assert!(slots.take(&host("c.example"), now).is_none(), "three in all");
    drop((first, second, third));
    drop(slots.take(&host("a.example"), now).unwrap());
    drop(slots.take(&host("a.example"), now).unwrap());
    assert!(slots.take(&host("a.example"), now + Duration::from_secs(59)).is_none(), "four in a minute");
    assert!(slots.take(&host("a.example"), now + Duration::from_secs(60)).is_some());
}
