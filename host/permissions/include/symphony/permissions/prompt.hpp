// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/permissions/subject.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace symphony::permissions {

struct Question {
    std::string name, plugin, version, publisher;
    Right right;              ///< as the manifest asks for it
    std::string object;       ///< what it wants now, when that is less; may be empty
    std::string reason;       ///< the author's
};
enum class Answer : std::uint8_t { once, run, always, deny, nobody };

/// Asks a person. `nobody` when none is there or the run is being ended: then it is denied and not counted as a no.
class Prompt {
public:
    Prompt() = default;
    Prompt(const Prompt&) = delete;
    Prompt& operator=(const Prompt&) = delete;
    virtual ~Prompt() = default;
    /// Blocks. One question at a time: callers take turns. [any]
    virtual Answer ask(const Question& question) = 0;
    /// Ends the question that is open, and all to come, with `nobody`. Callable in a signal handler.
    virtual void cancel() noexcept = 0;
};

/// What a person reads, ends with the line where the answer is typed.
std::string question_text(const Question& question);
/// What was typed: "1" or "t"his time, "2" or "r"un, "3" or "a"lways, "4" or "n"o, or an empty line for no.
std::optional<Answer> read_answer(std::string_view line);

/// On a terminal: asks on `out`, reads lines from `in`. Control characters in a plugin's texts are not printed.
class TerminalPrompt final : public Prompt {
public:
    /// Descriptors are borrowed.
    TerminalPrompt(int in, int out);
    ~TerminalPrompt() override;
    /// Standard input and standard error, when both are terminals and the answer is not meant for a program; else null.
    static std::unique_ptr<TerminalPrompt> if_interactive(bool json);
    /// Called with true before text appears and with false after the answer: to take a progress bar away for so long.
    void on_asking(std::function<void(bool asking)> asking) { asking_ = std::move(asking); }

    Answer ask(const Question& question) override;
    void cancel() noexcept override;

private:
    int in_, out_, cancel_;
    std::mutex mutex_;
    std::string typed_;
    Answer ask_now(const Question& question);
    std::function<void(bool)> asking_;
};

} // namespace symphony::permissions
