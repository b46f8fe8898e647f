use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{Sleep, hub::remember, shared::Shared};

/// Waits for time on behalf of all sessions of a runtime: one timer, set to the earliest deadline.
struct TimerTask {
    shared: Arc<Shared>,
    sleep: Sleep,
}

pub(super) fn spawn(shared: &Arc<Shared>) {
    let sleep = shared.clock.sleep();
    shared.spawner.spawn(TimerTask {
        shared: Arc::clone(shared),
        sleep,
    });
}

/// What to wait for.
enum Next {
    Sleep,
    Again,
    Over,
}

impl Future for TimerTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            let sleep = &mut this.sleep;
            let next = this.shared.with(|hub, now| {
                remember(&mut hub.timer.waker, cx.waker());
                let more = hub.registry.handle_due(now, &mut hub.fx);
                if hub.stopping && hub.registry.is_quiet() {
                    return Next::Over;
                }
                let at = hub.registry.next_deadline();
                hub.registry.take_rearmed();
                hub.timer.at = at;
                sleep.set(at);
                if more { Next::Again } else { Next::Sleep }
            });
            match next {
                Next::Over => return Poll::Ready(()),
                // The budget is used up: links first.
                Next::Again => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Next::Sleep if Pin::new(&mut *sleep).poll(cx).is_pending() => return Poll::Pending,
                Next::Sleep => {}
            }
        }
    }
}
