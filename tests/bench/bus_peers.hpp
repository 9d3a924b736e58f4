// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace symphony::bench {

/// Somebody else's way from one thread to another, for messages of 320 bytes, as an envelope with 256 has. bus_peers.cpp.
struct BusPeer {
    const char* name;
    const char* goal;
    /// Nanoseconds of each of `count` messages; 0: it is not installed, which it says, once.
    double (*to_a_thread)(std::size_t count);
};

double zmq_inproc(std::size_t count);
double nng_inproc(std::size_t count);
double moodycamel_queue(std::size_t count);

inline constexpr BusPeer bus_peers[]{{"ZeroMQ inproc", "<= 0.15x", &zmq_inproc}, {"nng inproc", "", &nng_inproc}, {"moodycamel's queue of shared_ptr", "", &moodycamel_queue}};

} // namespace symphony::bench
