// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/fetch.hpp>

#include "http.hpp"
#include "words.hpp"

#include <symphony/packaging/disk.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <span>

#include <poll.h>

namespace symphony::packaging {

Result<std::string> FolderFetch::get(std::string_view path, std::uint64_t bytes_max) { return read_file(folder_ / path, bytes_max); }

Result<WebAddress> WebAddress::parse(std::string_view text) {
    const auto bad = [&](const char* why) {
        return Error(Code::invalid_argument, "bad-address", in_quotes(text) + " is no address of a registry: " + why, "write https://HOST[:PORT]/PATH, or name a folder");
    };
    WebAddress out;
    auto rest = text;
    if (rest.starts_with("https://")) out.tls = true;
    else if (!rest.starts_with("http://")) return bad("it begins with neither https:// nor http://");
    rest.remove_prefix(out.tls ? 8 : 7);
    const auto slash = std::min(rest.find('/'), rest.size());
    auto host = rest.substr(0, slash);
    auto path = rest.substr(slash);
    if (text.size() > 2000 || !std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; })) return bad("it has characters that no address has");
    if (text.find_first_of("?#@") != std::string_view::npos) return bad("it has a name, a question or a fragment");
    if (path.find("/../") != std::string_view::npos || path.ends_with("/..")) return bad("it goes up");
    out.port = out.tls ? 443 : 80;
    const auto bracket = host.starts_with('[') ? host.find(']') : std::string_view::npos;
    const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon != std::string_view::npos) {
        const auto port = host.substr(colon + 1);
        const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
        if (error != std::errc() || end != port.data() + port.size() || out.port == 0) return bad("its port is no number from 1 to 65535");
        host = host.substr(0, colon);
    }
    if (bracket != std::string_view::npos) host = host.size() == bracket + 1 ? host.substr(1, bracket - 1) : std::string_view();
    if (host.empty()) return bad("it names no host");
    while (path.ends_with('/')) path.remove_suffix(1);
    out.host = host;
    out.path = path;
    return out;
}

std::string WebAddress::text() const {
    const bool brackets = host.find(':') != std::string::npos;
    std::string out = std::string(tls ? "https://" : "http://") + (brackets ? "[" + host + "]" : host);
    if (port != (tls ? 443 : 80)) out += ":" + std::to_string(port);
    return out + path;
}

namespace {

/// "http://...", in whatever letters.
bool is_unprotected(std::string_view location) {
    constexpr std::string_view scheme = "http://";
    return location.size() > scheme.size() && std::equal(scheme.begin(), scheme.end(), location.begin(), [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

constexpr std::string_view later = "try again later; --offline does with what was fetched before";

/// Waits for the next byte of one answer, and gives up when they come too late or too slowly.
class Waiting {
public:
    explicit Waiting(const HttpPatience& patience) : patience_(patience) {}

    Result<std::size_t> read(const Stream& stream, std::span<std::uint8_t> to) {
        using namespace std::chrono_literals;
        const auto silent_since = Clock::now();
        for (;;) {
            if (patience_.cancelled && patience_.cancelled()) return Error(Code::cancelled, "cancelled", "fetching was cancelled");
            pollfd wait{stream.fd(), POLLIN, 0};
            constexpr int ask_again_ms = 100;
            const int ready = ::poll(&wait, 1, ask_again_ms);
            if (ready < 0 && errno != EINTR) return Error(Code::io, "io", "cannot wait for the stream");
            if (ready > 0) break;
            if (Clock::now() - silent_since > patience_.silence) {
                return Error(Code::deadline, "server-silent", "the web server sent nothing for " + std::to_string(patience_.silence.count() / 1000) + " seconds", std::string(later)).as_retryable();
            }
        }
        const auto count = SYMPHONY_TRY(stream.read(to));
        bytes_ += count;
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun_);
        if (took > patience_.silence && bytes_ * 1000 < patience_.bytes_per_s_min * static_cast<std::uint64_t>(took.count())) {
            return Error(Code::deadline, "server-slow", "the web server sent " + std::to_string(bytes_) + " bytes in " + std::to_string(took.count() / 1000) + " seconds", std::string(later)).as_retryable();
        }
        return count;
    }

private:
    using Clock = std::chrono::steady_clock;
    const HttpPatience& patience_;
    const Clock::time_point begun_ = Clock::now();
    std::uint64_t bytes_ = 0;
};

} // namespace

HttpFetch::HttpFetch(WebAddress address, Connect connect, HttpPatience patience) : address_(std::move(address)), connect_(std::move(connect)), patience_(std::move(patience)) {}
HttpFetch::~HttpFetch() = default;

Result<std::string> HttpFetch::get(std::string_view path, std::uint64_t bytes_max) {
    const bool reused = stream_.has_value();
    bool answered = false;
    auto got = get_once(path, bytes_max, answered);
    // A server may end a connection that it kept, just as the next request arrives.
    if (!got && reused && !answered) got = get_once(path, bytes_max, answered);
    return got;
}

Result<std::string> HttpFetch::get_once(std::string_view path, std::uint64_t bytes_max, bool& answered) {
    const auto what = address_.text() + "/" + std::string(path);
    if (!stream_) {
        stream_.emplace(SYMPHONY_TRY(connect_(address_.host, address_.port, address_.tls)));
        behind_.clear();
    }
    const bool brackets = address_.host.find(':') != std::string::npos;
    const bool usual = address_.port == (address_.tls ? 443 : 80);
    const auto request = "GET " + address_.path + "/" + std::string(path) + " HTTP/1.1\r\nHost: " + (brackets ? "[" + address_.host + "]" : address_.host) +
                         (usual ? "" : ":" + std::to_string(address_.port)) + "\r\nAccept: */*\r\nAccept-Encoding: identity\r\nUser-Agent: symphony\r\n\r\n";
    // The stream is put back only when it is known to be at the beginning of the next answer.
    Stream stream = std::move(*stream_);
    stream_.reset();
    SYMPHONY_TRY(stream.write(request));
    Waiting waiting(patience_);
    const ReadMore more = [&](std::string& to) -> Status {
        std::uint8_t piece[16 * 1024];
        const auto count = SYMPHONY_TRY(waiting.read(stream, piece));
        answered = answered || count > 0;
        to.append(reinterpret_cast<const char*>(piece), count);
        return {};
    };
    auto read = read_http(behind_, more, bytes_max);
    if (!read) {
        auto error = std::move(read).error().in(what);
        if (error.hint().empty()) error.with_hint(error.code() == Code::peer_died ? std::string(later) : "see whether the address is right, and tell who runs the web server");
        return error;
    }
    if (read->keeps) stream_.emplace(std::move(stream));
    if (read->status == 200) return std::move(read->body);
    if (read->status == 404 || read->status == 410) return Error(Code::not_found, "missing", what + ": the web server has no such file");
    if (read->status >= 300 && read->status < 400) {
        // The right to connect is for this host, and who chose https:// did not choose what is not protected.
        const bool unprotected = address_.tls && is_unprotected(read->location);
        return Error(Code::io, "redirected", what + ": the web server sends elsewhere, to " + in_quotes(read->location) + (unprotected ? ", where nothing is protected" : ""),
                     unprotected ? "it is not followed; tell who runs the web server" : "name the registry by its own address");
    }
    auto error = Error(Code::io, "http-status", what + ": the web server answers with status " + std::to_string(read->status),
                       read->status >= 500 ? std::string(later) : "see whether the address is right, and whether everybody may read there");
    if (read->status == 429 || read->status >= 500) return std::move(error).as_retryable();
    return error;
}

} // namespace symphony::packaging
