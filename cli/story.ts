export async function writeStory(_print: (line: string) => void): Promise<void> {}
