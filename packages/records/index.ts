export { type Connection, openConnection } from './connection.ts'
export { type FedMessage, FeedPublisher } from './feed-publisher.ts'
export { headerText, readAt, readRecords, readTopic } from './read-records.ts'
