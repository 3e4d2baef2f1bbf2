/** What tests do to the broker behind a service's back. */
export { deleteRecordsBefore, deleteTopic } from './delete-records.js';
export { forgetMembers } from './forget-members.js';
