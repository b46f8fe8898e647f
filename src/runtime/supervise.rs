use std::sync::Arc;

use super::Runtime;
use crate::{
    Address, Client, Credentials, Single,
    transport::{Dial, tcp::TcpDialer},
};

/// A client that looks after itself.
impl Runtime<Single> {
    /// A client that stays logged in: it dials over TCP and logs in as `me` from now on, comes back after losses, and logs in
    /// anew where its session is gone. See [`Client`] for what it does when.
    ///
    /// It is there at once, and cannot fail: that the server is not to be reached, or says no, is told as an
    /// [`Update`](crate::Update), and so is text that is no address.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), sessile::Error> {
    /// use sessile::{Config, Credentials, Runtime, Single, Update};
    ///
    /// let runtime = Runtime::<Single>::start(Config::new())?;
    /// let mut client = runtime.supervise("game.example:7000", Credentials::token("s3cret"));
    /// client.send("hello").await?;
    /// while let Some(update) = client.next().await {
    ///     if let Update::Message(message) = update {
    ///         println!("{message:?}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn supervise(self, to: impl Into<Address>, me: Credentials) -> Client {
        let lease = self.owner.settings().lease;
        self.supervise_over(TcpDialer::new(to, lease), me)
    }

    /// The same over a transport of yours, or over the network in memory.
    ///
    /// ```
    /// use sessile::{Client, Config, Credentials, Phase, Runtime, Single, transport::memory::Network};
    ///
    /// let runtime = Runtime::<Single>::start(Config::new())?;
    /// let client = runtime.supervise_over(Network::new().dialer(), Credentials::token("s3cret"));
    /// assert_eq!(client.peer().phase(), Phase::Dialing);
    /// # Ok::<(), sessile::ConfigError>(())
    /// ```
    pub fn supervise_over(self, dial: impl Dial, me: Credentials) -> Client {
        Client::new(&self.owner, Arc::new(dial), me)
    }
}
