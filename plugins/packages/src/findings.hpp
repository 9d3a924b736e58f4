// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "command_line.hpp"

namespace symphony::packages {

/// What a doctor says: in the words and columns of the host's own.
class Findings {
public:
    explicit Findings(const CommandLine& line) : line_(line) {}

    void ok(std::string_view subject, std::string_view text) { add("ok", subject, text, {}); }
    void warn(std::string_view subject, std::string_view text, std::string_view mend) { add("warn", subject, text, mend); }
    void fail(std::string_view subject, std::string_view text, std::string_view mend) { add("fail", subject, text, mend); }
    /// An error as a finding. @param otherwise  What mends it when the error does not say.
    void fail(std::string_view subject, const Error& error, const std::string& otherwise) {
        fail(subject, error.message() + " [" + std::string(error.reason()) + "]", error.hint().empty() ? otherwise : error.hint());
    }
    bool broken() const noexcept { return broken_; }
    Data data() const { return list_; }

private:
    void add(std::string_view verdict, std::string_view subject, std::string_view text, std::string_view mend) {
        list_.push_back(Data(Data::Map{{"verdict", verdict}, {"subject", subject}, {"text", text}, {"mend", mend}}));
        std::string column(verdict);
        column.resize(6, ' ');
        line_.out(column + std::string(subject) + ": " + std::string(text));
        if (!mend.empty()) line_.out("      mend: " + std::string(mend));
        broken_ = broken_ || verdict == "fail";
    }

    const CommandLine& line_;
    Data::List list_;
    bool broken_ = false;
};

} // namespace symphony::packages
