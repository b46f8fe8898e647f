use std::{future::Future, time::Duration};

use sessile::sim::Node;
use smol::future::FutureExt;

/// Waits, but no longer than this: `None` where it was cut off. What was promised of waits that are cut off is tried wherever this is.
pub(crate) async fn within<T>(
    node: &Node,
    time: Duration,
    wait: impl Future<Output = T>,
) -> Option<T> {
    let patience = node.sleep(time);
    async { Some(wait.await) }
        .or(async {
            patience.await;
            None
        })
        .await
}
