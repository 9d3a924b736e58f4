// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/codec_server.hpp>

namespace symphony::ipc {

class CodecJson final : public CodecServer {
public:
    explicit CodecJson(Host host) : CodecServer(host, formats(host.config()["version_member"].as_bool(true))) {}

private:
    static std::vector<std::unique_ptr<CodecFormat>> formats(bool version_member) {
        std::vector<std::unique_ptr<CodecFormat>> out;
        out.push_back(json_format());
        out.push_back(json_rpc_format(version_member));
        return out;
    }
};

} // namespace symphony::ipc
