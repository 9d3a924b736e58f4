// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/parse.hpp>
#include <symphony/permissions/permissions.hpp>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::permissions::test {

class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "permissions-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    operator const std::filesystem::path&() const { return path_; }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
    void write(std::string_view name, std::string_view text) const { std::ofstream(path_ / name, std::ios::binary) << text; }

private:
    std::filesystem::path path_;
};

inline Right right(std::string_view text) {
    auto made = Right::parse(text);
    if (!made) {
        std::cerr << made.error().message() << "\n";
        std::abort();
    }
    return *std::move(made);
}

/// Somebody whose manifest asks for these, one line of [capabilities] each.
inline Subject subject(std::string_view capabilities, std::string name = "word-count", std::string version = "1.0.0") {
    const std::string text = "[extension]\nname = \"" + name + "\"\nversion = \"" + version + "\"\ntype = \"tool\"\n[capabilities]\n" + std::string(capabilities);
    const auto parsed = manifests::parse(text, "manifest.toml", manifests::Strictness::load);
    if (!parsed.manifest) {
        std::cerr << manifests::format(parsed.diagnostics) << "\n";
        std::abort();
    }
    Subject made;
    made.plugin = made.name = name;
    made.version = version;
    made.digest = std::string(64, 'd');
    made.instance = name + "#1";
    made.request = Request::of(*parsed.manifest, "manifest.toml");
    return made;
}

/// Answers as it was told, and remembers what it was asked.
class Scripted final : public Prompt {
public:
    std::vector<Answer> answers;
    std::vector<Question> asked;
    Answer ask(const Question& question) override {
        asked.push_back(question);
        if (asked.size() > answers.size()) return Answer::nobody;
        return answers[asked.size() - 1];
    }
    void cancel() noexcept override {}
};

struct Clock {
    std::shared_ptr<std::atomic<std::int64_t>> time = std::make_shared<std::atomic<std::int64_t>>(1'000'000);
    std::function<std::int64_t()> function() const {
        return [time = time] { return time->load(); };
    }
};

inline Permissions::Options options(const std::filesystem::path& folder, Clock clock = {}, Prompt* prompt = nullptr) {
    Permissions::Options made;
    made.state_dir = folder;
    made.prompt = prompt;
    made.watch = false;
    made.now_ms = clock.function();
    return made;
}

} // namespace symphony::permissions::test
