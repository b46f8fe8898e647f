use super::cursor::Cursor;
use super::{
    AWAY_WITHIN_MS, Beat, CONTROL_FRAME_BYTES, Close, Frame, GoAway, HEADER_BYTES, IDENTITY_BYTES,
    Login, MAGIC, REDIRECT_BYTES, Refused, Resume, Resumed, TEXT_BYTES, Violation, Welcome, kind,
};

/// The first whole frame of `bytes` and how many bytes it took; `None` while more bytes are needed.
///
/// `max_len` bounds the length field of frames that carry a message (`1 + max_message` once logged in); every other
/// frame is bounded by [`CONTROL_FRAME_BYTES`]. The length is judged before anything else, as soon as it is there.
///
/// # Errors
///
/// The [`Violation`] by which the first frame breaks the protocol. Nothing after it can be trusted.
pub fn decode(bytes: &[u8], max_len: usize) -> Result<Option<(Frame<'_>, usize)>, Violation> {
    let Some(total) = total(bytes, max_len)? else {
        return Ok(None);
    };
    let Some((_, body)) = bytes
        .get(..total)
        .and_then(|frame| frame.split_at_checked(HEADER_BYTES))
    else {
        return Ok(None);
    };
    // Most frames carry a message: those cost nothing of what the others are made of.
    let frame = match body {
        [kind::DATA, payload @ ..] => Frame::Data(payload),
        body => body_of(body)?,
    };
    Ok(Some((frame, total)))
}

/// One frame without its length field, as transports carry it that keep message boundaries.
///
/// # Errors
///
/// As [`decode`]; an empty `unit` is [`Violation::Empty`].
pub fn decode_body(unit: &[u8], max_len: usize) -> Result<Frame<'_>, Violation> {
    check_len(unit.len(), unit.first().copied(), max_len)?;
    body_of(unit)
}

/// Bytes of the whole frame that begins here, once its length field is there. Judges nothing.
#[must_use]
pub fn needed(bytes: &[u8]) -> Option<usize> {
    let (len, _) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    // A length that does not fit (on a 16-bit machine) is beyond every limit as well.
    Some(
        usize::try_from(u32::from_be_bytes(*len))
            .map_or(usize::MAX, |len| len.saturating_add(HEADER_BYTES)),
    )
}

/// Whether these bytes are one PING or PONG and nothing else, as far as its length and type say.
pub(crate) fn is_beat(bytes: &[u8]) -> bool {
    matches!(bytes, [_, _, _, _, kind::PING | kind::PONG, ..]) && needed(bytes) == Some(bytes.len())
}

/// [`needed`], judged: an error as soon as the length or the type that follows it cannot begin a frame.
pub(super) fn total(bytes: &[u8], max_len: usize) -> Result<Option<usize>, Violation> {
    let Some(total) = needed(bytes) else {
        return Ok(None);
    };
    check_len(
        total.saturating_sub(HEADER_BYTES),
        bytes.get(HEADER_BYTES).copied(),
        max_len,
    )?;
    Ok(Some(total))
}

fn check_len(len: usize, kind: Option<u8>, max_len: usize) -> Result<(), Violation> {
    let limit = match kind {
        // Not there yet: whatever comes, it may not be longer than the longer of the two.
        None => max_len.max(CONTROL_FRAME_BYTES),
        Some(kind) if kind::is_payload(kind) => max_len,
        Some(_) => CONTROL_FRAME_BYTES,
    };
    match (len, kind) {
        (0, _) => Err(Violation::Empty),
        (len, _) if len > limit => Err(Violation::TooLong),
        (_, Some(kind)) if !kind::is_known(kind) => Err(Violation::UnknownType),
        _ => Ok(()),
    }
}

/// Type and body, the length of which was checked.
fn body_of(unit: &[u8]) -> Result<Frame<'_>, Violation> {
    let (&kind, body) = unit.split_first().ok_or(Violation::Empty)?;
    let mut body = Cursor::new(body);
    let frame = match kind {
        kind::LOGIN => Frame::Login(login(&mut body)?),
        kind::CHALLENGE => Frame::Challenge(body.rest()),
        kind::ANSWER => Frame::Answer(body.rest()),
        kind::WELCOME => Frame::Welcome(welcome(&mut body)?),
        kind::REFUSED => Frame::Refused(refused(&mut body)?),
        kind::RESUME => Frame::Resume(resume(&mut body)?),
        kind::RESUMED => Frame::Resumed(resumed(&mut body)?),
        kind::DATA => Frame::Data(body.rest()),
        kind::VOLATILE => Frame::Volatile(body.rest()),
        kind::ACK => Frame::Ack(body.u64()?),
        kind::PING => Frame::Ping(beat(&mut body)?),
        kind::PONG => Frame::Pong(beat(&mut body)?),
        kind::CLOSE => Frame::Close(close(&mut body)?),
        kind::CLOSED => Frame::Closed(body.u64()?),
        kind::GOAWAY => Frame::GoAway(go_away(&mut body)?),
        kind::FIRST_EXTENSION.. => {
            body.rest();
            Frame::Extension(kind)
        }
        _ => return Err(Violation::UnknownType),
    };
    body.finish()?;
    Ok(frame)
}

fn magic(body: &mut Cursor<'_>) -> Result<(), Violation> {
    if body.array()? == MAGIC {
        Ok(())
    } else {
        Err(Violation::BadMagic)
    }
}

fn login<'a>(body: &mut Cursor<'a>) -> Result<Login<'a>, Violation> {
    magic(body)?;
    let (version, oldest) = (body.u16()?, body.u16()?);
    if oldest == 0 || oldest > version {
        return Err(Violation::BadValue);
    }
    Ok(Login {
        version,
        oldest,
        features: body.u32()?,
        instance: body.array()?,
        attempt: body.u64()?,
        terms: body.terms()?,
        credentials: body.rest(),
    })
}

fn welcome<'a>(body: &mut Cursor<'a>) -> Result<Welcome<'a>, Violation> {
    Ok(Welcome {
        version: body.u16()?,
        features: body.u32()?,
        session: body.u64()?,
        epoch: body.u64()?,
        secret: body.secret()?,
        terms: body.terms()?,
        identity: body.short(IDENTITY_BYTES)?,
    })
}

fn refused<'a>(body: &mut Cursor<'a>) -> Result<Refused<'a>, Violation> {
    Ok(Refused {
        code: body.u16()?,
        retry: body.retry()?,
        taken: body.u64()?,
        attempt: body.u64()?,
        redirect: body.text(REDIRECT_BYTES)?,
        text: body.text(TEXT_BYTES)?,
    })
}

fn resume(body: &mut Cursor<'_>) -> Result<Resume, Violation> {
    magic(body)?;
    Ok(Resume {
        version: body.u16()?,
        session: body.u64()?,
        secret: body.secret()?,
        attempt: body.u64()?,
        received: body.u64()?,
        taken: body.u64()?,
    })
}

fn resumed(body: &mut Cursor<'_>) -> Result<Resumed, Violation> {
    Ok(Resumed {
        epoch: body.u64()?,
        secret: body.secret()?,
        received: body.u64()?,
        taken: body.u64()?,
    })
}

fn beat(body: &mut Cursor<'_>) -> Result<Beat, Violation> {
    Ok(Beat {
        nonce: body.u32()?,
        clock: body.u64()?,
        tick: body.u64()?,
        echo: body.u64()?,
        held: body.u32()?,
    })
}

fn close<'a>(body: &mut Cursor<'a>) -> Result<Close<'a>, Violation> {
    Ok(Close {
        code: body.u16()?,
        retry: body.retry()?,
        taken: body.u64()?,
        text: body.text(TEXT_BYTES)?,
    })
}

fn go_away<'a>(body: &mut Cursor<'a>) -> Result<GoAway<'a>, Violation> {
    let within_ms = body.u32()?;
    if within_ms > AWAY_WITHIN_MS {
        return Err(Violation::BadValue);
    }
    Ok(GoAway {
        within_ms,
        retry: body.retry()?,
        redirect: body.text(REDIRECT_BYTES)?,
        text: body.text(TEXT_BYTES)?,
    })
}
