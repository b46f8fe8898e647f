use super::Config;

/// Fairness between sessions.
impl Config {
    /// How many frames of one session are handled before others get their turn.
    ///
    /// Default 64; 1 to 65,536.
    pub const fn turn_frames(mut self, frames: usize) -> Self {
        self.settings.turn_frames = frames;
        self
    }

    /// How many bytes of one session are handled before others get their turn.
    ///
    /// Default 64 KiB; 1 KiB to 64 MiB.
    pub const fn turn_bytes(mut self, bytes: usize) -> Self {
        self.settings.turn_bytes = bytes;
        self
    }
}
