// SPDX-License-Identifier: Apache-2.0
#include "languages.hpp"

#include <algorithm>
#include <cstdlib>
#include <system_error>

namespace tess {

namespace fs = std::filesystem;
using symphony::Code;
using symphony::Error;
using symphony::Result;

namespace {

constexpr std::string_view suffix = ".traineddata";

void add_models(std::map<std::string, std::uint64_t>& to, const fs::path& folder, const std::string& prefix) {
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
        const std::string name = at->path().filename().string();
        if (!name.ends_with(suffix)) continue;
        std::error_code unreadable;
        const std::uintmax_t size = at->file_size(unreadable);
        const std::string language = name.substr(0, name.size() - suffix.size());
        if (unreadable || language.empty() || language == "osd" || language == "equ") continue;
        to.emplace(prefix + language, size);
    }
}

bool looks_like_a_name(std::string_view language) {
    return !language.empty() && language.size() <= 64 && std::all_of(language.begin(), language.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/';
    });
}

Error unknown(std::string_view language, const fs::path& folder, const std::map<std::string, std::uint64_t>& installed) {
    std::string there;
    for (const auto& [name, size] : installed) {
        if (!there.empty()) there += ", ";
        if (there.size() > 100) { there += "..."; break; }
        there += name;
    }
    const std::string hint = language == "osd" ? "osd tells how a page lies and has no letters; choose a language"
                             : looks_like_a_name(language) ? "apt-get install " + debian_package(language)
                                                           : "a language is named like eng, chi_sim or eng+deu";
    return {Code::not_found, "unknown-model",
            "no model for language \"" + std::string(language.substr(0, 64)) + "\" in " + folder.string() + " (" + (there.empty() ? "no models there" : "there: " + there) + ")", hint};
}

} // namespace

Languages Languages::find(const std::string& configured) {
    if (!configured.empty()) return Languages(configured);
    const char* prefix = std::getenv("TESSDATA_PREFIX");
    if (prefix != nullptr && *prefix != '\0') return Languages(prefix);
    static constexpr std::string_view places[] = {"/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tesseract-ocr/4.00/tessdata", "/usr/share/tessdata", "/usr/local/share/tessdata"};
    for (const std::string_view place : places) {
        std::error_code failed;
        if (fs::is_directory(place, failed)) return Languages(place);
    }
    return Languages(places[0]);
}

std::map<std::string, std::uint64_t> Languages::installed() const {
    std::map<std::string, std::uint64_t> models;
    add_models(models, folder_, "");
    add_models(models, folder_ / "script", "script/");
    return models;
}

Result<std::uint64_t> Languages::file_bytes(std::string_view language) const {
    const auto models = installed();
    std::uint64_t bytes = 0;
    for (std::string_view left = language;;) {
        const std::size_t plus = left.find('+');
        const std::string_view one = left.substr(0, plus);
        const auto found = models.find(std::string(one)); // only what the folder lists: a name cannot leave it
        if (found == models.end()) return unknown(one, folder_, models);
        bytes += found->second;
        if (plus == std::string_view::npos) return bytes;
        left.remove_prefix(plus + 1);
    }
}

std::string debian_package(std::string_view language) {
    if (language.starts_with("script/")) return "tesseract-ocr-script-..., see apt-cache search tesseract-ocr-script";
    std::string package = "tesseract-ocr-";
    for (const char c : language) package += c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return package;
}

} // namespace tess
