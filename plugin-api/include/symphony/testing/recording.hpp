// SPDX-License-Identifier: Apache-2.0
#pragma once

// Calls of a port, written down and answered again: for tests, beside FakeHost. A Recorder stands in front of a provider and notes what
// it is asked and answers; a Replay answers from that without the provider; differences() asks a provider everything again. The text that
// a recording is kept as is described in docs/recorded-calls.md. Not for production.

#include <symphony/testing.hpp>

#include <charconv>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::testing {

/// One call: the buffers of its arguments, of its parts and of its result, as they crossed the boundary. The first buffer of each is the
/// encoded record, the others are its attachments.
struct RecordedCall {
    using Buffers = std::vector<std::string>;
    std::uint32_t method = 0;
    Buffers arguments;
    std::vector<Buffers> parts;
    Buffers result;              ///< when it completed
    std::optional<Error> error;  ///< when it failed
    friend bool operator==(const RecordedCall&, const RecordedCall&) = default;
};

/// The calls of one port, in the order in which they were made.
struct Recording {
    std::string port; ///< "operator/1"
    std::vector<RecordedCall> calls;

    static constexpr std::size_t text_bytes_max = 64 * 1024 * 1024;
    static constexpr std::size_t calls_max = 100'000;

    /// @return `data_corrupt`, reason "bad-recording", with the line; `exhausted`, "too-large".
    static Result<Recording> parse(std::string_view text);
    /// The text of which parse() makes an equal recording.
    std::string text() const;
    /// @return As parse(); `not_found`, "no-file"; `io`.
    static Result<Recording> load(const std::filesystem::path& file);
    Status save(const std::filesystem::path& file) const;
    friend bool operator==(const Recording&, const Recording&) = default;
};

namespace detail {

/// Printable ASCII as it is, the rest as \xHH.
inline std::string in_quotes(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') (out += '\\') += c;
        else if (byte >= 0x20 && byte < 0x7F) out += c;
        else ((out += "\\x") += digits[byte >> 4u]) += digits[byte & 15u];
    }
    return out + "\"";
}

/// With its reason written out, so that what was read and what was heard are the same.
inline Error noted(const Error& error) {
    Error out(error.code(), error.reason(), error.message(), error.hint());
    return error.retryable() ? std::move(out).as_retryable() : out;
}

/// One line of a recording, read word by word.
class RecordingLine {
public:
    explicit RecordingLine(std::string_view text) : rest_(text) { skip(); }
    bool at_end() const noexcept { return rest_.empty(); }
    std::string_view word() noexcept {
        const std::string_view found = rest_.substr(0, rest_.find(' '));
        rest_.remove_prefix(found.size());
        skip();
        return found;
    }
    template <class Number>
    bool number(Number& out) noexcept {
        const std::string_view text = word();
        const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
        return fault == std::errc() && end == text.data() + text.size();
    }
    bool bytes(std::string& out) {
        if (!rest_.starts_with('"')) return false;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '"') {
                rest_.remove_prefix(i + 1);
                if (!rest_.empty() && rest_.front() != ' ') return false;
                skip();
                return true;
            }
            if (rest_[i] != '\\') {
                if (static_cast<unsigned char>(rest_[i]) < 0x20 || static_cast<unsigned char>(rest_[i]) >= 0x7F) return false;
                out += rest_[i];
                continue;
            }
            if (++i == rest_.size()) return false;
            if (rest_[i] == '"' || rest_[i] == '\\') {
                out += rest_[i];
                continue;
            }
            unsigned value = 0;
            const char* const digits = rest_.data() + i + 1;
            if (rest_[i] != 'x' || rest_.size() - i < 3) return false;
            if (const auto [end, fault] = std::from_chars(digits, digits + 2, value, 16); fault != std::errc() || end != digits + 2) return false;
            out += static_cast<char>(value);
            i += 2;
        }
        return false;
    }
    /// All that is left; at least one.
    bool buffers(RecordedCall::Buffers& out) {
        if (at_end()) return false;
        while (!at_end()) {
            std::string one;
            if (!bytes(one)) return false;
            out.push_back(std::move(one));
        }
        return true;
    }

private:
    void skip() noexcept { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }
    std::string_view rest_;
};

/// Reads the line into the last call. @return Why it does not fit; empty: it does.
inline std::string read_recorded(RecordingLine& line, Recording& into, bool& ended) {
    const std::string_view word = line.word();
    if (word == "call") {
        RecordedCall call;
        if (!ended) return "the call before has no result and no error";
        if (!line.number(call.method) || !line.at_end()) return "a call has the number of a method";
        if (into.calls.size() == Recording::calls_max) return "there are more than 100,000 calls";
        into.calls.push_back(std::move(call));
        ended = false;
        return {};
    }
    if (into.calls.empty() || ended) return "\"" + to_valid_utf8(word.substr(0, 40)) + "\" belongs to no call";
    RecordedCall& call = into.calls.back();
    if (word == "argument") return call.arguments.empty() && line.buffers(call.arguments) ? "" : "an argument is one line of buffers in quotes";
    if (word == "part") return line.buffers(call.parts.emplace_back()) ? "" : "a part is a line of buffers in quotes";
    ended = true;
    if (word == "result") return line.at_end() || line.buffers(call.result) ? "" : "a result is a line of buffers in quotes";
    if (word != "error") return "\"" + to_valid_utf8(word.substr(0, 40)) + "\" is no word of a recording";
    std::int32_t code = 0;
    std::string reason, message, hint;
    const bool whole = line.number(code) && code < 0 && line.bytes(reason) && line.bytes(message) && line.bytes(hint);
    const std::string_view last = whole ? line.word() : "";
    const bool again = last == "retryable";
    if (!whole || (!last.empty() && !again) || !line.at_end()) return "an error has a negative number, and reason, message and hint in quotes";
    Error error(static_cast<Code>(code), reason, std::move(message), std::move(hint));
    call.error = noted(again ? std::move(error).as_retryable() : error);
    return {};
}

inline RecordedCall::Buffers buffers_of(const symphony_buf* buffers, std::uint32_t count) {
    RecordedCall::Buffers out;
    for (std::uint32_t i = 0; i < count; ++i) out.emplace_back(reinterpret_cast<const char*>(buffers[i].data), static_cast<std::size_t>(buffers[i].size));
    return out;
}

/// The same, borrowed.
inline std::vector<symphony_buf> to_c(const RecordedCall::Buffers& buffers) {
    std::vector<symphony_buf> out;
    for (const std::string& bytes : buffers) {
        symphony_buf buf{};
        buf.struct_size = sizeof buf;
        buf.data = reinterpret_cast<const std::uint8_t*>(bytes.data());
        buf.size = bytes.size();
        out.push_back(buf);
    }
    return out;
}

/// Receives the answers of one call, passes them on when it came from somewhere, and notes them.
class Listener {
public:
    Listener(const symphony_call* asked, RecordedCall noted) : asked_(asked == nullptr ? symphony_call{} : *asked), noted_(std::move(noted)) {}
    virtual ~Listener() = default;
    static const symphony_call_ops* ops() noexcept {
        static constexpr symphony_call_ops table{sizeof(symphony_call_ops), 0, &complete, &fail, &emit, &progress, &cancelled};
        return &table;
    }

protected:
    /// The call has ended; nothing of it comes any more. May delete this.
    virtual void ended(RecordedCall call) = 0;

private:
    static Listener& of(void* ctx) noexcept { return *static_cast<Listener*>(ctx); }
    static void complete(void* ctx, symphony_handle, const symphony_buf* out, std::uint32_t count) {
        Listener& self = of(ctx);
        self.noted_.result = buffers_of(out, count);
        const symphony_call asked = self.asked_;
        self.ended(std::move(self.noted_)); // first: whoever is answered may look at the recording
        if (asked.ops != nullptr) asked.ops->complete(asked.ctx, asked.id, out, count);
    }
    static void fail(void* ctx, symphony_handle, const symphony_error* error) {
        Listener& self = of(ctx);
        self.noted_.error = noted(from_c(*error, error->code));
        const symphony_call asked = self.asked_;
        self.ended(std::move(self.noted_));
        if (asked.ops != nullptr) asked.ops->fail(asked.ctx, asked.id, error);
    }
    static void emit(void* ctx, symphony_handle, const symphony_buf* part, std::uint32_t count) {
        Listener& self = of(ctx);
        self.noted_.parts.push_back(buffers_of(part, count));
        if (self.asked_.ops != nullptr) self.asked_.ops->emit(self.asked_.ctx, self.asked_.id, part, count);
    }
    static void progress(void* ctx, symphony_handle, std::uint32_t permille, symphony_str note) {
        const Listener& self = of(ctx);
        if (self.asked_.ops != nullptr) self.asked_.ops->progress(self.asked_.ctx, self.asked_.id, permille, note);
    }
    static std::uint32_t cancelled(void* ctx, symphony_handle) {
        const Listener& self = of(ctx);
        return self.asked_.ops == nullptr ? 0 : self.asked_.ops->cancelled(self.asked_.ctx, self.asked_.id);
    }

    symphony_call asked_; // of whoever is waiting; without ops: nobody is
    RecordedCall noted_;
};

/// An instance that is no plugin: a test double with one port, whose calls end by themselves.
class Double {
public:
    explicit Double(std::string port) : port_(std::move(port)) {}
    virtual ~Double() = default;
    symphony_instance* instance() noexcept { return reinterpret_cast<symphony_instance*>(this); }
    static const symphony_instance_ops* ops() noexcept {
        static constexpr symphony_instance_ops table{sizeof(symphony_instance_ops), SYMPHONY_INSTANCE_CONCURRENT, &nothing, &query, &nothing, &take, &cancel, &quiesce, &nothing, nullptr, nullptr,
                                                     &destroy};
        return &table;
    }

protected:
    virtual symphony_status invoke(const symphony_call& call) = 0;

private:
    static Double& of(symphony_instance* self) noexcept { return *reinterpret_cast<Double*>(self); }
    static symphony_status nothing(symphony_instance*, symphony_error*) noexcept { return SYMPHONY_OK; }
    static symphony_status quiesce(symphony_instance*, std::uint64_t, symphony_error*) noexcept { return SYMPHONY_OK; }
    static const void* query(symphony_instance* self, symphony_str id) noexcept {
        static constexpr symphony_port_info info{sizeof(symphony_port_info), ~0u};
        return from_c(id) == of(self).port_ ? &info : nullptr;
    }
    static symphony_status take(symphony_instance* self, const symphony_call* call) noexcept { return of(self).invoke(*call); }
    static void cancel(symphony_instance*, symphony_handle) noexcept {}
    static void destroy(symphony_instance* self) noexcept { delete &of(self); }

    std::string port_;
};

/// Calls through the port service of a fake host.
struct FakePort {
    const symphony_host* host = nullptr;
    const symphony_host_ports* service = nullptr;
    symphony_handle handle = 0;

    static Result<FakePort> acquire(const symphony_host* host, std::string_view port, std::string_view provider) {
        FakePort out{host, static_cast<const symphony_host_ports*>(host->query(host->ctx, symphony::to_c(SYMPHONY_HOST_PORTS))), 0};
        if (out.service == nullptr) return Error(Code::not_found, "no-provider", "the fake host has no plugin");
        symphony_error error{};
        error.struct_size = sizeof error;
        const auto status = out.service->acquire(host->ctx, symphony::to_c(port), symphony::to_c(provider), &out.handle, &error);
        if (status < 0) return from_c(error, status);
        return out;
    }
    /// The listener hears of it: the end too, whatever happens.
    void call(Listener& listener, symphony_call call) const {
        symphony_handle id = 0;
        symphony_error error{};
        error.struct_size = sizeof error;
        call.ctx = &listener;
        call.ops = Listener::ops();
        if (service->invoke(host->ctx, handle, &call, &id, &error) < 0) Listener::ops()->fail(&listener, call.id, &error);
    }
};

class Recorder final : public Double {
public:
    Recorder(FakePort port, std::string name, Recording& into, std::shared_ptr<std::mutex> mutex) : Double(std::move(name)), port_(port), into_(into), mutex_(std::move(mutex)) {}

private:
    class One final : public Listener {
    public:
        One(const symphony_call& asked, RecordedCall noted, Recorder& owner) : Listener(&asked, std::move(noted)), owner_(owner) {}

    private:
        void ended(RecordedCall call) override {
            {
                const std::lock_guard lock(*owner_.mutex_);
                owner_.into_.calls.push_back(std::move(call));
            }
            delete this;
        }
        Recorder& owner_;
    };
    symphony_status invoke(const symphony_call& call) override {
        RecordedCall noted;
        noted.method = call.method;
        noted.arguments = buffers_of(call.args, call.arg_count);
        port_.call(*new One(call, std::move(noted), *this), call); // deletes itself at the end
        return SYMPHONY_OK;
    }

    FakePort port_;
    Recording& into_;
    std::shared_ptr<std::mutex> mutex_;
};

class Replay final : public Double {
public:
    explicit Replay(Recording recording) : Double(recording.port), recording_(std::move(recording)), used_(recording_.calls.size()) {}

private:
    symphony_status invoke(const symphony_call& call) override {
        const auto arguments = buffers_of(call.args, call.arg_count);
        const RecordedCall* answer = nullptr; // the first that was not given yet, else the last
        {
            const std::lock_guard lock(mutex_);
            bool fresh = false;
            for (std::size_t i = 0; i < used_.size() && !fresh; ++i) {
                const RecordedCall& known = recording_.calls[i];
                if (known.method != call.method || known.arguments != arguments) continue;
                answer = &known;
                fresh = !used_[i];
                used_[i] = true;
            }
        }
        if (answer == nullptr) {
            symphony_error error{};
            error.struct_size = sizeof error;
            symphony::to_c(Error(Code::not_found, "not-recorded", "nobody asked this before: method " + std::to_string(call.method) + " of " + recording_.port + " with " +
                                 (arguments.empty() ? std::string("nothing") : in_quotes(arguments.front())), "record it again"), &error);
            call.ops->fail(call.ctx, call.id, &error);
            return SYMPHONY_OK;
        }
        for (const auto& part : answer->parts) {
            const auto buffers = to_c(part);
            call.ops->emit(call.ctx, call.id, buffers.data(), static_cast<std::uint32_t>(buffers.size()));
        }
        if (answer->error) {
            symphony_error error{};
            error.struct_size = sizeof error;
            symphony::to_c(*answer->error, &error);
            call.ops->fail(call.ctx, call.id, &error);
        } else {
            const auto buffers = to_c(answer->result);
            call.ops->complete(call.ctx, call.id, buffers.data(), static_cast<std::uint32_t>(buffers.size()));
        }
        return SYMPHONY_OK;
    }

    const Recording recording_;
    std::mutex mutex_;
    std::vector<bool> used_;
};

/// Waits for the end of a call that nobody else asked.
class Waiting final : public Listener {
public:
    explicit Waiting(RecordedCall question) : Listener(nullptr, std::move(question)) {}
    std::optional<RecordedCall> wait(std::chrono::nanoseconds longest) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, longest, [this] { return answer_.has_value(); });
        return answer_;
    }

private:
    void ended(RecordedCall call) override {
        const std::lock_guard lock(mutex_);
        answer_ = std::move(call);
        changed_.notify_all();
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<RecordedCall> answer_;
};

inline std::string answer_text(const RecordedCall& call) {
    if (call.error) return "the error " + std::string(call.error->reason()) + ": " + call.error->message();
    std::string out = call.parts.empty() ? "" : std::to_string(call.parts.size()) + " parts and ";
    for (const auto& bytes : call.result) out += in_quotes(std::string_view(bytes).substr(0, 400)) + " ";
    return out;
}

} // namespace detail

inline Result<Recording> Recording::parse(std::string_view text) {
    if (text.size() > text_bytes_max) return Error(Code::exhausted, "too-large", "the recording has more than 64 MiB");
    Recording out;
    bool ended = true;
    std::size_t number = 0;
    const auto bad = [&](const std::string& what) { return Error(Code::data_corrupt, "bad-recording", "line " + std::to_string(number) + ": " + what, "record it again"); };
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        detail::RecordingLine line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (number == 1) {
            std::uint32_t format = 0;
            if (line.word() != "symphony-calls" || !line.number(format) || format != 1 || !line.at_end()) return bad("a recording begins with: symphony-calls 1");
        } else if (number == 2) {
            if (line.word() != "port" || !line.bytes(out.port) || !line.at_end()) return bad("the second line is: port \"NAME/1\"");
        } else if (!line.at_end()) {
            if (auto why = detail::read_recorded(line, out, ended); !why.empty()) return bad(why);
        }
    }
    if (number < 2) return bad("a recording begins with: symphony-calls 1, and then the port");
    if (!ended) return bad("the last call has no result and no error");
    return out;
}

inline std::string Recording::text() const {
    std::string out = "symphony-calls 1\nport " + detail::in_quotes(port) + "\n";
    const auto put = [&](std::string_view word, const RecordedCall::Buffers& buffers) {
        (out += "  ") += word;
        for (const auto& bytes : buffers) (out += ' ') += detail::in_quotes(bytes);
        out += '\n';
    };
    for (const RecordedCall& call : calls) {
        out += "\ncall " + std::to_string(call.method) + "\n";
        if (!call.arguments.empty()) put("argument", call.arguments);
        for (const auto& part : call.parts) put("part", part);
        if (!call.error) put("result", call.result);
        else put("error " + std::to_string(static_cast<std::int32_t>(call.error->code())), {std::string(call.error->reason()), call.error->message(), call.error->hint()});
        if (call.error && call.error->retryable()) out.insert(out.size() - 1, " retryable");
    }
    return out;
}

inline Result<Recording> Recording::load(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) return Error(Code::not_found, "no-file", file.string() + " cannot be read", "record it first");
    std::ostringstream text;
    text << stream.rdbuf();
    auto read = parse(text.view());
    if (!read) return std::move(read).error().in(file.string());
    return read;
}

inline Status Recording::save(const std::filesystem::path& file) const {
    std::ofstream stream(file, std::ios::binary);
    stream << text();
    return stream.flush() ? Status() : Status(Error(Code::io, "io", "cannot write " + file.string()));
}

/// Puts `name` in front of `provider`, which answers; both are noted. The recording outlives the host, and is looked at when no call is under way.
/// @return `not_found`, "no-provider".
inline Status add_recorder(FakeHost& host, std::string name, std::string_view port, std::string_view provider, Recording& into) {
    const auto acquired = SYMPHONY_TRY(detail::FakePort::acquire(host.c_host(), port, provider));
    into.port = port;
    auto* recorder = new detail::Recorder(acquired, std::string(port), into, std::make_shared<std::mutex>());
    return host.adopt(std::move(name), recorder->instance(), detail::Double::ops());
}

/// Answers as `name` what was recorded, in the recorded order where the same was asked several times, and then the last of it again. What was never
/// asked fails with `not_found`, "not-recorded".
inline Status add_replay(FakeHost& host, std::string name, Recording recording) {
    auto* replay = new detail::Replay(std::move(recording));
    return host.adopt(std::move(name), replay->instance(), detail::Double::ops());
}

/// Asks `provider` all that was recorded, one after the other, and compares the answers byte by byte.
/// @return A line for each call that is answered in another way; none: all is as it was.
inline std::vector<std::string> differences(const FakeHost& host, std::string_view provider, const Recording& recording,
                                            std::chrono::seconds call_max = std::chrono::seconds(60)) {
    const auto port = detail::FakePort::acquire(host.c_host(), recording.port, provider);
    if (!port) return {std::string(port.error().message())};
    std::vector<std::string> out;
    for (std::size_t i = 0; i < recording.calls.size(); ++i) {
        const RecordedCall& known = recording.calls[i];
        RecordedCall question;
        question.method = known.method;
        question.arguments = known.arguments;
        const auto arguments = detail::to_c(known.arguments);
        auto waiting = std::make_unique<detail::Waiting>(question);
        symphony_call call{};
        call.struct_size = sizeof call;
        call.method = known.method;
        call.arg_count = static_cast<std::uint32_t>(arguments.size());
        call.args = arguments.data();
        call.port = symphony::to_c(recording.port);
        port->call(*waiting, call);
        const auto answer = waiting->wait(call_max);
        const std::string who = "call " + std::to_string(i + 1) + ", method " + std::to_string(known.method) + ": ";
        if (!answer) {
            out.push_back(who + "no answer in time");
            static_cast<void>(waiting.release()); // it may answer yet
        } else if (*answer != known) {
            out.push_back(who + "was " + detail::answer_text(known) + ", is " + detail::answer_text(*answer));
        }
    }
    return out;
}

} // namespace symphony::testing
