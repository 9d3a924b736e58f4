// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/cancel.hpp>
#include <symphony/ports/command.hpp>

namespace symphony::ipc_bench {

struct Typed {
    Call& call;
    const Value& arguments;
    const ports::CommandContext& context;
    CancelToken cancel;

    void print(std::uint8_t stream, std::string_view text) const { call.emit(ports::CommandOutput{stream, Buffer::copy(text)}); }
};

/// `symphony bench ipc`. @return The exit status, or what was typed wrong: reason "usage".
Result<std::int32_t> bench(Host host, const Typed& typed);

} // namespace symphony::ipc_bench
