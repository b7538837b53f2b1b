#include "tests/testing/change_database.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace nmq {

void ChangeDatabase(const std::string& directory,
                    const std::function<void(rocksdb::DB* db, const DatabaseTables& tables)>& change) {
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), directory, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), directory, families, &handles, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  DatabaseTables tables;
  for (size_t i = 0; i < names.size(); ++i) tables[names[i]] = handles[i];
  change(db.get(), tables);
  for (rocksdb::ColumnFamilyHandle* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
}

}  // namespace nmq
