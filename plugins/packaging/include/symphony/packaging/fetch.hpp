// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/net.hpp>
#include <symphony/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace symphony::packaging {

/// Where the files of a registry are read from. Nothing that comes from there is believed: the reader verifies it. One thread at a time.
class Fetch {
public:
    virtual ~Fetch() = default;
    /// @param path  Of the registry: "index/ab/cd/ID.jsonl"; made by us, without "..".
    /// @return The bytes; `not_found` when there is no such file, `exhausted` "too-large" beyond `bytes_max`, `io` and others when that cannot be known.
    virtual Result<std::string> get(std::string_view path, std::uint64_t bytes_max) = 0;
    /// Whether reading again costs next to nothing: then nothing is kept in a cache.
    virtual bool is_local() const noexcept = 0;
    /// For messages: the folder or address.
    virtual std::string where() const = 0;
};

/// A folder. Links in it are not followed.
class FolderFetch final : public Fetch {
public:
    explicit FolderFetch(std::filesystem::path folder) : folder_(std::move(folder)) {}
    Result<std::string> get(std::string_view path, std::uint64_t bytes_max) override;
    bool is_local() const noexcept override { return true; }
    std::string where() const override { return folder_.string(); }

private:
    std::filesystem::path folder_;
};

/// An address split up.
struct WebAddress {
    bool tls = false;
    std::string host;        ///< without brackets
    std::uint16_t port = 80;
    std::string path;        ///< "/registry", without a slash at the end
    /// "https://example.com:8443/registry". @return `invalid_argument`, "bad-address"; nobody's name, password, question or fragment is taken.
    static Result<WebAddress> parse(std::string_view text);
    std::string text() const;
};

/// Opens a stream to the host; with `tls` the bytes are plain here and protected outside. The network broker of the host does that
/// (`Net::connect`), and asks whether it may.
using Connect = std::function<Result<Stream>(const std::string& host, std::uint16_t port, bool tls)>;

/// How long a web server may take. All of it is asked about while waiting.
struct HttpPatience {
    std::chrono::milliseconds silence{30'000}; ///< without a byte
    std::uint64_t bytes_per_s_min = 4096;      ///< on average, once an answer takes longer than `silence`
    std::function<bool()> cancelled;           ///< empty: never
};

/// Any web server: HTTP/1.1 GET (RFC 9112), one connection for as long as the server keeps it. Redirections are told and not followed: the
/// right to connect is for a named host.
class HttpFetch final : public Fetch {
public:
    HttpFetch(WebAddress address, Connect connect, HttpPatience patience = {});
    ~HttpFetch() override;
    /// @return Besides: "http-status", "bad-http", "redirected", "stream-cut", "server-silent", "server-slow", "cancelled", or what `connect` returned.
    Result<std::string> get(std::string_view path, std::uint64_t bytes_max) override;
    bool is_local() const noexcept override { return false; }
    std::string where() const override { return address_.text(); }

private:
    Result<std::string> get_once(std::string_view path, std::uint64_t bytes_max, bool& answered);

    WebAddress address_;
    Connect connect_;
    HttpPatience patience_;
    std::optional<Stream> stream_;
    std::string behind_; // bytes of the stream behind the last answer
};

} // namespace symphony::packaging
