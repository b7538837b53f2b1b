#ifndef NMQ_TESTS_TESTING_CHANGE_DATABASE_H_
#define NMQ_TESTS_TESTING_CHANGE_DATABASE_H_

#include <functional>
#include <map>
#include <string>

#include "rocksdb/db.h"

namespace nmq {

using DatabaseTables = std::map<std::string, rocksdb::ColumnFamilyHandle*>;  // by name

// Opens the database in a store's directory behind the store's back, calls `change`, and closes it. No store may have
// it open. The test fails if it cannot be opened or closed.
void ChangeDatabase(const std::string& directory,
                    const std::function<void(rocksdb::DB* db, const DatabaseTables& tables)>& change);

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_CHANGE_DATABASE_H_
