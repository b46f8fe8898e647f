//! sessile: links break, sessions stay.
