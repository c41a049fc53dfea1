//! The bench under which the promise is kept: customers, faults, disturbances, time, and which part of the cases runs.

pub(crate) mod customers;
pub(crate) mod delivery;
pub(crate) mod disturbance;
pub(crate) mod fakes;
pub(crate) mod fault_injection;
pub(crate) mod faulty_ports;
pub(crate) mod journey;
pub(crate) mod parallel_runner;
pub(crate) mod promise;
pub(crate) mod sample;
pub(crate) mod strangers;
pub(crate) mod table;
pub(crate) mod telling;
pub(crate) mod test_bench;
