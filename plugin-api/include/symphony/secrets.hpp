// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/services/secrets.h>
#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <string_view>

namespace symphony {

/// The plugin's own configuration keys with `secret = true`. [any, may block]
class Secrets {
public:
    Secrets(const symphony_host_secrets* service, void* ctx) noexcept : service_(service), ctx_(ctx) {}

    /// The secret's bytes. The memory is wiped when the last copy of the buffer goes: keep no other copy.
    /// @return `not_found` when the user has given none, or the key is not one.
    Result<Buffer> get(std::string_view key) const {
        if (!callable(service_, &symphony_host_secrets::get)) return Error(Code::unsupported, "host-too-old", "this host's secrets service has no get");
        symphony_buf out{};
        out.struct_size = sizeof out;
        symphony_error error{};
        error.struct_size = sizeof error;
        const auto status = service_->get(ctx_, to_c(key), &out, &error);
        if (status < 0) return from_c(error, status);
        return Buffer::adopt(out);
    }

private:
    const symphony_host_secrets* service_;
    void* ctx_;
};

} // namespace symphony
