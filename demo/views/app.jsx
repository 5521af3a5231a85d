/**
 * The page: its rooms, and the one that is open.
 *
 * @param {{ shell: import('../shell.js').Shell }} props
 */
export function App({ shell }) {
  const room = shell.room.value;
  return (
    <>
      <nav class="rooms" aria-label="Rooms">
        {shell.entries.map(({ id, title, summary }) => (
          <a
            key={id}
            href={`#room=${id}`}
            aria-current={shell.id.value === id ? 'page' : undefined}
            onClick={(event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey) return;
              event.preventDefault();
              shell.go(id);
            }}
          >
            <b>{title}</b> <span>{summary}</span>
          </a>
        ))}
      </nav>
      {shell.failure.value && (
        <p class="notice notice-problem" role="alert">
          This part of the page could not be loaded: {shell.failure.value}
        </p>
      )}
      {room && <room.View key={shell.id.value} />}
    </>
  );
}
