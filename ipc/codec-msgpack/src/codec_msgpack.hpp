// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/codec_server.hpp>

namespace symphony::ipc {

class CodecMsgpack final : public CodecServer {
public:
    explicit CodecMsgpack(Host host) : CodecServer(host, formats()) {}

private:
    static std::vector<std::unique_ptr<CodecFormat>> formats() {
        std::vector<std::unique_ptr<CodecFormat>> out;
        out.push_back(msgpack_format());
        return out;
    }
};

} // namespace symphony::ipc
