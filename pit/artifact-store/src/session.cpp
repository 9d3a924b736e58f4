// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <symphony/sqlite_files/host_folder.hpp>

#include <utility>

namespace symphony::store {
namespace {

constexpr std::chrono::milliseconds poll_time{50};
constexpr std::size_t notices_max = 64;

Error closing() { return {Code::cancelled, "closing", "the store is being closed"}; }

} // namespace

Session::Session(Host host, Settings settings, Place place, SecretSource secret, std::string actor, std::string owner)
    : host_(host), settings_(std::move(settings)), place_(std::move(place)), secret_(std::move(secret)), actor_(std::move(actor)), owner_(std::move(owner)) {}

Session::~Session() { stop(); }

/// An error of opening, with the next command to type.
Error Session::explained(Error error) const {
    const std::string here = place_.own() ? std::string() : " --store " + place_.path;
    const std::string_view reason = error.reason();
    if (!error.hint().empty()) return error;
    if (reason == "no-store") return std::move(error).with_hint("make one: symphony artifact init" + here);
    if (reason == "key-needed" || reason == "wrong-key") {
        return std::move(error).with_hint("give --passphrase-file FILE or --key-file FILE" +
                                          std::string(place_.own() ? ", or set the secret artifact-store.passphrase" : ""));
    }
    if (reason == "store-locked") return std::move(error).with_hint("wait until the other one has finished; reading goes on meanwhile");
    if (reason == "permission-denied") return std::move(error).with_hint("check who owns the folder, and its permissions");
    return error;
}

OpenOptions Session::open_options(Access access) {
    OpenOptions options;
    options.access = access;
    options.durability = settings_.durability;
    options.owner = owner_;
    options.actor = actor_;
    options.put_lease = settings_.put_lease;
    options.trash_keep = settings_.trash_keep;
    options.cache_bytes = settings_.cache_bytes;
    options.notice = [this](const Notice& notice) {
        const std::lock_guard lock(notices_mutex_);
        for (const Notice& known : notices_) {
            if (known.reason == notice.reason && known.text == notice.text) return;
        }
        if (notices_.size() < notices_max) notices_.push_back(notice);
    };
    return options;
}

Result<std::shared_ptr<Store>> Session::open(Access access) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return closing();
        if (folder_ == nullptr) folder_ = std::make_shared<HostFolder>(SYMPHONY_TRY(host_.files()), place_.root, place_.path);
    }
    const Description what = SYMPHONY_TRY(Store::describe(*folder_));
    OpenOptions options = open_options(access);
    // The passphrase is not asked for where nothing is sealed.
    if (what.suite != Suite::none) options.secret = SYMPHONY_TRY(secret_());
    std::shared_ptr<Store> store = SYMPHONY_TRY(Store::open(folder_, std::move(options)));
    // A store that was just made has no index yet, which is no news to anybody.
    if (const auto last = store->last_sequence(); last && *last == 0) static_cast<void>(take_notices());
    if (access == Access::writer && (settings_.quota.bytes != 0 || settings_.quota.artifacts != 0)) {
        SYMPHONY_TRY(store->set_quota(settings_.quota));
    }
    return store;
}

Result<std::shared_ptr<Store>> Session::reader() {
    const std::lock_guard opening(opening_);
    {
        const std::lock_guard lock(mutex_);
        touch();
        if (stopping_) return closing();
        if (writer_ != nullptr) return writer_;
        if (reader_ != nullptr) return reader_;
    }
    auto opened = open(Access::reader);
    if (!opened) return explained(std::move(opened).error());
    const std::lock_guard lock(mutex_);
    used_ = true;
    return reader_ = *std::move(opened);
}

Result<std::shared_ptr<Store>> Session::make_and_open() {
    InitOptions options;
    if (auto secret = SYMPHONY_TRY(secret_())) options.secrets.push_back(*std::move(secret));
    if (auto made = Store::init(*folder_, std::move(options)); !made && made.error().reason() != "store-exists") return std::move(made).error();
    return open(Access::writer);
}

Result<std::shared_ptr<Store>> Session::writer(const Patience& patience, bool make) {
    const std::lock_guard opening(opening_);
    const auto end = std::chrono::steady_clock::now() + patience.longest;
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            touch();
            if (stopping_) return closing();
            if (writer_ != nullptr) return writer_;
        }
        auto opened = open(Access::writer);
        if (!opened && opened.error().reason() == "no-store" && make && place_.own()) opened = make_and_open();
        if (opened) {
            const std::lock_guard lock(mutex_);
            used_ = true;
            reader_.reset(); // who still reads with it keeps it as long as that takes
            touch();
            return writer_ = *std::move(opened);
        }
        if (opened.error().reason() != "store-locked" || std::chrono::steady_clock::now() >= end) return explained(std::move(opened).error());
        if (patience.cancelled && patience.cancelled()) return Error(Code::cancelled, "cancelled", "gave up waiting: " + opened.error().message());
        if (patience.waiting) patience.waiting(opened.error().message());
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, poll_time, [&] { return stopping_; });
    }
}

Status Session::init(InitOptions options) {
    const std::lock_guard opening(opening_);
    HostFolder folder(SYMPHONY_TRY(host_.files()), place_.root, place_.path);
    return Store::init(folder, std::move(options));
}

Result<Description> Session::describe() {
    HostFolder folder(SYMPHONY_TRY(host_.files()), place_.root, place_.path);
    auto what = Store::describe(folder);
    if (!what) return explained(std::move(what).error());
    return what;
}

Result<RepairReport> Session::repair(const ProgressFn& progress) {
    const std::lock_guard opening(opening_);
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return closing();
        if ((writer_ != nullptr && writer_.use_count() > 1) || (reader_ != nullptr && reader_.use_count() > 1)) {
            return Error(Code::busy, "in-use", "the store is in use: uploads or streams are under way", "finish or abandon them first");
        }
        reader_.reset();
        writer_.reset();
    }
    const auto folder = std::make_shared<HostFolder>(SYMPHONY_TRY(host_.files()), place_.root, place_.path);
    OpenOptions options = open_options(Access::writer);
    // What the header is damaged too much to say is left to repair itself.
    options.secret = SYMPHONY_TRY(secret_());
    auto report = Store::repair(folder, std::move(options), progress);
    if (!report) return explained(std::move(report).error());
    return report;
}

bool Session::close_if_idle() {
    std::unique_lock opening(opening_, std::try_to_lock);
    if (!opening) return true;
    std::shared_ptr<Store> done;
    {
        const std::lock_guard lock(mutex_);
        if (writer_ == nullptr) return reader_ != nullptr;
        const bool idle = std::chrono::steady_clock::now() - last_use_ >= settings_.idle_close;
        if (!idle || writer_.use_count() > 1) return true;
        done = std::move(writer_);
    }
    if (auto closed = done->close(); !closed) host_.warn("closing the store: " + closed.error().message());
    return false;
}

std::shared_ptr<Store> Session::look() const {
    const std::lock_guard lock(mutex_);
    return writer_ != nullptr ? writer_ : reader_;
}

bool Session::used() const {
    const std::lock_guard lock(mutex_);
    return used_;
}

void Session::stop() {
    std::shared_ptr<Store> writer, reader;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        writer = std::move(writer_);
        reader = std::move(reader_);
    }
    changed_.notify_all();
    if (writer != nullptr && writer.use_count() == 1) static_cast<void>(writer->close());
}

std::vector<Notice> Session::take_notices() {
    const std::lock_guard lock(notices_mutex_);
    return std::exchange(notices_, {});
}

} // namespace symphony::store
