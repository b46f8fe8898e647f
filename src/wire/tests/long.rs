//! Long messages, which are read to where they stay.

use bytes::Bytes;

use super::*;

/// Reads to a place of `size` bytes, half as much as there is room for. True where the message is whole.
fn read_half(decoder: &mut Decoder, rest: &mut &[u8], size: usize) -> bool {
    let (place, is_all) = decoder.place(size).unwrap();
    assert!(!place.is_empty() && place.len() <= rest.len().min(size));
    assert_eq!(is_all, place.len() == rest.len());
    let read = place.len().div_ceil(2);
    let (piece, after) = rest.split_at(read);
    place[..read].copy_from_slice(piece);
    let is_whole = decoder.placed(read);
    *rest = after;
    assert_eq!(is_whole, rest.is_empty());
    is_whole
}

// [LIMIT-5]
#[test]
fn a_long_message_that_is_read_in_place_has_memory_for_what_was_received() {
    const LEN: usize = 1 << 20;
    let payload: Vec<u8> = (0..LEN).map(|at| (at % 253) as u8).collect();
    let mut stream = Vec::new();
    encode_data(&payload, &mut stream);
    for size in [1_000, 4_096, 65_536, 300_000] {
        let mut decoder = Decoder::new();
        decoder.set_max(LEN + 1);
        let (mut first, mut rest) = stream.split_at(100);
        assert!(matches!(decoder.next(&mut first), Ok(None)));
        let mut ended = false;
        while !rest.is_empty() {
            let received = stream.len() - rest.len();
            ended = read_half(&mut decoder, &mut rest, size);
            assert!(
                decoder.reserved() <= received + 64 * 1024,
                "{} at {received}",
                decoder.reserved()
            );
            assert_eq!(decoder.partial_len(), stream.len() - rest.len());
        }
        assert!(
            ended
                && decoder
                    .place(size)
                    .is_some_and(|(place, _)| place.is_empty())
        );
        let mut whole = None;
        let mut more: &[u8] = &[0];
        let frame = decoder.next_keeping(&mut more, &mut whole).unwrap();
        assert!(matches!(frame, Some(Frame::Data(found)) if found == payload));
        assert!(whole.is_some_and(|whole| whole == payload));
        assert!(decoder.expects_long() && decoder.place(size).is_none());
        assert!(matches!(decoder.next(&mut more), Ok(None)));
        assert_eq!((decoder.partial_len(), more.len()), (1, 0));
    }
}

/// Reads `stream` to places of `size` bytes, with memory lent of the length that `memory` says for what is wanted.
fn read_lent(
    decoder: &mut Decoder,
    stream: &[u8],
    size: usize,
    memory: fn(usize) -> usize,
) -> Bytes {
    let (mut first, mut rest) = stream.split_at(100);
    assert!(matches!(decoder.next(&mut first), Ok(None)));
    while !rest.is_empty() {
        if let Some(wants) = decoder.wants() {
            assert_eq!(wants, stream.len());
            decoder.lend(vec![0xee; memory(wants)], Bytes::from);
            assert_eq!(decoder.wants(), None, "it is lent once");
        }
        read_half(decoder, &mut rest, size);
    }
    let (mut whole, mut nothing) = (None, &[][..]);
    let frame = decoder.next_keeping(&mut nothing, &mut whole).unwrap();
    let whole = whole.unwrap();
    assert!(matches!(frame, Some(Frame::Data(found)) if found == whole));
    whole
}

#[test]
fn what_lay_in_lent_memory_is_in_no_message_however_long_it_is() {
    for len in [LONG_BYTES, 60_000, 64 * 1024 - 100] {
        let payload: Vec<u8> = (0..len).map(|at| (at % 253) as u8).collect();
        let mut stream = Vec::new();
        encode_data(&payload, &mut stream);
        let lent: [fn(usize) -> usize; 5] = [
            |_| 0,
            |wants| wants / 2,
            |wants| wants - 1,
            |wants| wants,
            |wants| wants + 5_000,
        ];
        for memory in lent {
            for size in [1_000, 20_000, 300_000] {
                let mut decoder = Decoder::new();
                decoder.set_max(1 << 20);
                for _ in 0..3 {
                    assert!(read_lent(&mut decoder, &stream, size, memory) == payload);
                }
            }
        }
    }
}

// [LIMIT-5]
#[test]
fn only_what_was_received_is_paid_for_also_with_lent_memory() {
    const LEN: usize = 1 << 20;
    let mut stream = Vec::new();
    encode_data(&vec![7; LEN], &mut stream);
    let mut decoder = Decoder::new();
    decoder.set_max(LEN + 1);
    assert!(matches!(decoder.next(&mut &stream[..100]), Ok(None)));
    // The first long message of a link: all but the last 64 KiB have to be there.
    assert_eq!(decoder.wants(), None);
    let mut rest = &stream[100..];
    while rest.len() > 64 * 1024 - 64 {
        assert_eq!(decoder.wants(), None, "{} are missing", rest.len());
        let (place, _) = decoder.place(10_000).unwrap();
        let read = place.len();
        place.copy_from_slice(&rest[..read]);
        decoder.placed(read);
        rest = &rest[read..];
    }
    assert_eq!(decoder.wants(), Some(stream.len()));
    assert!(matches!(decoder.next(&mut rest), Ok(Some(_))));
    // The next one may have as much as that one had.
    assert!(matches!(decoder.next(&mut &stream[..100]), Ok(None)));
    assert_eq!(decoder.wants(), Some(stream.len()));
}

#[test]
fn a_short_message_has_no_place_and_is_not_kept() {
    let mut stream = Vec::new();
    encode_data(&[7; LONG_BYTES - 1], &mut stream);
    let (mut begin, mut end) = stream.split_at(1_000);
    let (mut decoder, mut whole) = (Decoder::new(), None);
    decoder.set_max(LONG_BYTES);
    assert!(matches!(decoder.next(&mut begin), Ok(None)));
    assert!(decoder.place(usize::MAX).is_none());
    assert!(
        decoder
            .next_keeping(&mut end, &mut whole)
            .unwrap()
            .is_some()
    );
    assert!(whole.is_none() && !decoder.expects_long());
}
