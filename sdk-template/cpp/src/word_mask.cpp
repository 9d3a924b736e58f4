// SPDX-License-Identifier: Apache-2.0
#include "word_mask.hpp"

#include <algorithm>

namespace word_mask {

Masked mask_words(std::string_view text, std::vector<std::string_view> words, std::string_view mask) {
    std::erase(words, std::string_view());
    std::sort(words.begin(), words.end(), [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
    Masked done;
    done.text.reserve(text.size());
    while (!text.empty()) {
        const auto word = std::find_if(words.begin(), words.end(), [&](std::string_view each) { return text.starts_with(each); });
        if (word == words.end()) {
            done.text += text.front();
            text.remove_prefix(1);
        } else {
            done.text += mask;
            text.remove_prefix(word->size());
            ++done.hits;
        }
    }
    return done;
}

} // namespace word_mask
