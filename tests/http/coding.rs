//! Content negotiation, RFC 9110 section 12.5.3.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::world::{DOCUMENTS, RSS, world};

async fn coding_for(accept: &str) -> String {
    let reply = world().get_with(RSS, &[("Accept-Encoding", accept)]).await;
    assert_eq!(reply.status, 200, "{accept}");
    reply.field("content-encoding").to_owned()
}

#[tokio::test]
async fn each_coding_decodes_to_the_plain_bytes() {
    let world = world();
    for target in DOCUMENTS {
        let plain = world.get(target).await;
        assert_eq!(plain.field("content-encoding"), "");
        let coded = async |coding: &str| {
            let reply = world.get_with(target, &[("Accept-Encoding", coding)]).await;
            assert_eq!(reply.field("content-encoding"), coding);
            assert_eq!(reply.field("content-length"), reply.body.len().to_string());
            reply.body
        };
        let mut decoded = Vec::new();
        GzDecoder::new(coded("gzip").await.as_slice()).read_to_end(&mut decoded).unwrap();
        assert_eq!(decoded, plain.body);
        assert_eq!(zstd::decode_all(coded("zstd").await.as_slice()).unwrap(), plain.body);
        let mut decoded = Vec::new();
        brotli::BrotliDecompress(&mut coded("br").await.as_slice(), &mut decoded).unwrap();
        assert_eq!(decoded, plain.body);
    }
}

#[tokio::test]
async fn the_coding_with_the_highest_weight_is_taken() {
    assert_eq!(coding_for("gzip;q=0.2, br;q=0").await, "gzip");
    assert_eq!(coding_for("br;q=0.5, gzip;q=0.8, zstd;q=0.7").await, "gzip");
    assert_eq!(coding_for("identity;q=1, gzip;q=0.5").await, "");
    assert_eq!(coding_for("GZip").await, "gzip");
    assert_eq!(coding_for("x-gzip").await, "gzip");
}

#[tokio::test]
async fn among_equals_the_smallest_is_taken() {
    assert_eq!(coding_for("gzip, deflate, br, zstd").await, "br");
    assert_eq!(coding_for("gzip, zstd").await, "zstd");
    assert_eq!(coding_for("*").await, "gzip");
}

#[tokio::test]
async fn what_is_not_wanted_is_not_sent() {
    for accept in ["", "identity", "gzip;q=0", "deflate", "identity;q=1, *;q=0", "gzip;q=0.000, br;q=0"] {
        assert_eq!(coding_for(accept).await, "", "{accept}");
    }
}

#[tokio::test]
async fn an_unreadable_weight_drops_its_member_only() {
    assert_eq!(coding_for("br;q=abc,,;,foo, gzip;q=0.5").await, "gzip");
    assert_eq!(coding_for("br;q=2, gzip;q=-1").await, "");
}

#[tokio::test]
async fn identity_can_be_refused() {
    assert_eq!(coding_for("identity;q=0, gzip").await, "gzip");
    let world = world();
    for accept in ["identity;q=0", "*;q=0", "identity;q=0, *;q=0", "identity;q=0, deflate"] {
        world.get_with(RSS, &[("Accept-Encoding", accept)]).await.assert_problem(406);
    }
}

#[tokio::test]
async fn two_field_lines_are_one_list() {
    let reply = world().get_with(RSS, &[("Accept-Encoding", "br;q=0"), ("Accept-Encoding", "gzip")]).await;
    assert_eq!(reply.field("content-encoding"), "gzip");
}

#[tokio::test]
async fn every_format_and_coding_has_a_strong_tag_of_its_own() {
    let world = world();
    let mut tags = Vec::new();
    for target in DOCUMENTS {
        for coding in ["identity", "gzip", "br", "zstd"] {
            let reply = world.get_with(target, &[("Accept-Encoding", coding)]).await;
            let tag = reply.field("etag").to_owned();
            assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag}");
            assert!(!tags.contains(&tag), "{target} {coding} {tag}");
            tags.push(tag);
        }
    }
}
