//! Whose number and channel it is, from the first proof to the last word of 360dialog.

mod end;
mod submission;
