// SPDX-License-Identifier: Apache-2.0
// Search over generated documents (words by Zipf's law) through the host, FTS5 and tantivy beside each other.
// --documents N: 100'000 unless given, such as 1000000. --queries N: of each kind, 300 unless given. --provider NAME: that one alone.
// --best-of N: each query so often, of which the fastest counts: what the query costs where other programs take the processor away.
#include "bench.hpp"
#include "provider.hpp"

#include <symphony/testing.hpp>

#include <cmath>
#include <cstdlib>
#include <random>

namespace {

using symphony::search_tests::Provider;
namespace ports = symphony::ports;
using symphony::bench::now_ns;

/// Words w0, w1, ... where w(k) is drawn with a probability of about 1 / (k + 1).
class Zipf {
public:
    explicit Zipf(std::size_t words) : sums_(words) {
        double sum = 0;
        for (std::size_t k = 0; k < words; ++k) sums_[k] = sum += 1.0 / static_cast<double>(k + 1);
    }
    std::size_t draw(std::mt19937_64& engine) const {
        const double at = std::uniform_real_distribution<double>(0, sums_.back())(engine);
        return static_cast<std::size_t>(std::lower_bound(sums_.begin(), sums_.end(), at) - sums_.begin());
    }
    std::size_t size() const { return sums_.size(); }

private:
    std::vector<double> sums_;
};

/// Letters for a rank: short words are common, as in a language.
std::string word(std::size_t rank) {
    std::string out;
    for (std::size_t n = rank + 7; n > 0; n /= 20) out.push_back("etaoinshrdlucmfwypvb"[n % 20]);
    return out + "x";
}

constexpr std::size_t vocabulary = 200'000, words_of_a_document = 120;

ports::Document document(std::size_t number, const Zipf& zipf, std::mt19937_64& engine) {
    ports::Document made;
    made.id = "document-" + std::to_string(number);
    for (int i = 0; i < 4; ++i) made.name += word(zipf.draw(engine)) + " ";
    for (std::size_t i = 0; i < words_of_a_document; ++i) made.text += word(zipf.draw(engine)) + " ";
    made.type = number % 3 == 0 ? "text/markdown" : "text/plain";
    made.tags = {"tag" + std::to_string(number % 50)};
    made.date_unix_ms = 1'700'000'000'000 + number * 1000;
    return made;
}

struct Kind {
    const char* name;
    std::vector<std::string> queries;
};

std::vector<Kind> make_queries(std::size_t count, const Zipf& zipf, std::mt19937_64& engine) {
    std::vector<Kind> kinds{{"rare word", {}}, {"common word", {}}, {"two words", {}}, {"phrase", {}}, {"prefix", {}}, {"word and tag", {}}};
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(engine() % n); };
    for (std::size_t i = 0; i < count; ++i) {
        kinds[0].queries.push_back(word(20'000 + below(100'000)));
        kinds[1].queries.push_back(word(below(20)));
        kinds[2].queries.push_back(word(below(50)) + " " + word(50 + below(2000)));
        kinds[3].queries.push_back("\"" + word(below(30)) + " " + word(below(30)) + "\"");
        kinds[4].queries.push_back(word(1000 + below(50'000)).substr(0, 3) + "*");
        kinds[5].queries.push_back(word(below(200)) + " tag:tag" + std::to_string(below(50)));
    }
    static_cast<void>(zipf);
    return kinds;
}

double percentile(std::vector<double> samples, double at) {
    std::sort(samples.begin(), samples.end());
    return samples[std::min(samples.size() - 1, static_cast<std::size_t>(at * static_cast<double>(samples.size())))];
}

bool failed(const symphony::Status& status) {
    if (!status) std::fprintf(stderr, "error: %s\n", status.error().message().c_str());
    return !status;
}

/// Feeds everything in batches with one commit each; seconds, or a negative number.
double feed(Provider& provider, std::size_t documents, const Zipf& zipf) {
    std::mt19937_64 engine(20261127);
    constexpr std::size_t batch_max = 1000, commit_every = 10'000;
    double spent_ns = 0;
    for (std::size_t from = 0; from < documents; from += batch_max) {
        std::vector<ports::Document> batch;
        for (std::size_t i = from; i < std::min(documents, from + batch_max); ++i) batch.push_back(document(i, zipf, engine));
        const double start = now_ns();
        if (failed(provider.index(batch))) return -1;
        const std::size_t done = from + batch.size();
        if ((done % commit_every == 0 || done == documents) && failed(provider.commit("bench", done))) return -1;
        spent_ns += now_ns() - start;
    }
    return spent_ns / 1e9;
}

} // namespace

int main(int argc, char** argv) {
    std::size_t documents = 100'000, queries = 300, best_of = 1;
    std::string_view only;
    for (int i = 1; i + 1 < argc; ++i) {
        if (std::string_view(argv[i]) == "--documents") documents = std::strtoull(argv[i + 1], nullptr, 10);
        if (std::string_view(argv[i]) == "--queries") queries = std::strtoull(argv[i + 1], nullptr, 10);
        if (std::string_view(argv[i]) == "--best-of") best_of = std::max<std::size_t>(1, std::strtoull(argv[i + 1], nullptr, 10));
        if (std::string_view(argv[i]) == "--provider") only = argv[i + 1];
    }
    symphony::bench::Report report("search", argc, argv);
    const symphony::testing::TempFolder folder;
    const Zipf zipf(vocabulary);
    for (const std::string plugin : {"search-tantivy", "search-fts"}) {
        if (!only.empty() && only != plugin) continue;
        auto started = Provider::start(plugin, folder.path() / plugin);
        if (!started) {
            std::fprintf(stderr, "search: %s is not measured: %s\n", plugin.c_str(), started.error().message().c_str());
            continue;
        }
        Provider& provider = **started;
        const std::string of = plugin.substr(7) + ": ";
        const double seconds = feed(provider, documents, zipf);
        if (seconds < 0) return 1;
        report.add(of + "index " + std::to_string(documents) + " documents", "s", {seconds});
        report.add(of + "index size, a document", "bytes", {static_cast<double>(provider.status()->size_bytes) / static_cast<double>(documents)});

        std::vector<double> visible_ms;
        std::mt19937_64 engine(7);
        for (std::size_t i = 0; i < 30; ++i) {
            auto added = document(documents + i, zipf, engine);
            added.text += " fresh" + std::to_string(i);
            const double start = now_ns();
            if (failed(provider.index({added})) || failed(provider.commit("bench", documents + i))) return 1;
            const auto hits = provider.search({.text = "fresh" + std::to_string(i)});
            visible_ms.push_back((now_ns() - start) / 1e6);
            if (!hits || hits->total != 1) return 1;
        }
        report.add(of + "one document: add, commit, found", "ms", visible_ms);

        std::mt19937_64 choice(99);
        for (const Kind& kind : make_queries(queries, zipf, choice)) {
            std::vector<double> ms;
            std::size_t partial = 0, matches = 0;
            for (const std::string& text : kind.queries) {
                ms.push_back(1e9);
                for (std::size_t turn = 0; turn < best_of; ++turn) {
                    const double start = now_ns();
                    const auto hits = provider.search({.text = text, .limit = 10, .excerpt_bytes = 200});
                    ms.back() = std::min(ms.back(), (now_ns() - start) / 1e6);
                    if (!hits) {
                        std::fprintf(stderr, "error: %s: %s\n", text.c_str(), hits.error().message().c_str());
                        return 1;
                    }
                    if (turn > 0) continue;
                    partial += hits->partial ? 1 : 0;
                    matches += hits->total;
                }
            }
            const std::string goal = plugin == "search-tantivy" ? "p99 <= 5 ms at 100'000" : "p99 <= 100 ms";
            const std::string best = best_of > 1 ? ", best of " + std::to_string(best_of) : "";
            const std::string about = of + kind.name + best + " (" + std::to_string(matches / ms.size()) + " matches, " + std::to_string(partial) + " partial), ";
            report.add(about + "p50", "ms", {percentile(ms, 0.5)});
            report.add(about + "p99", "ms", {percentile(ms, 0.99)}, goal);
        }
    }
    return report.write();
}
