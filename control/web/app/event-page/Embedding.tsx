import { type Control, useWatch } from 'react-hook-form';
import { useWords } from '../shell/words';
import { CopyButton } from '../ui/Copy';
import { Field } from '../ui/Field';
import { Select } from '../ui/Select';
import { FieldsForm } from './FieldsForm';
import { type EventDetails, mayIn, useEvent } from './event';
import { linesOf, wrongLines } from './fields';
import styles from './event-page.module.css';

const places = ['anywhere', 'listed', 'nowhere'] as const;

/** How other sites show the event, and which of them may. */
export function Embedding() {
  const { t } = useWords();
  const event = useEvent();
  const { frame, script } = codesOf(event);
  const edits = mayIn(event, 'edit-event') && event.state !== 'archived' && event.state !== 'cancelled';
  return (
    <section className={styles['section']} aria-labelledby="embedding">
      <div>
        <h2 id="embedding">{t('embed.title')}</h2>
        <p className="muted">{t(`embed.is.${event.embed.where}`)}</p>
      </div>
      {!edits && event.embed.where === 'listed' && <p>{(event.embed.sites ?? []).join(', ') || '–'}</p>}
      {event.embed.where !== 'nowhere' && (
        <>
          <Code name={t('embed.frame')} code={frame} />
          <Code name={t('embed.script')} code={script} />
        </>
      )}
      {edits && <Sites />}
    </section>
  );
}

function Code({ name, code }: { name: string; code: string }) {
  return (
    <div className={styles['copied']}>
      <span>{name}</span>
      <div>
        <code>{code}</code>
        <CopyButton value={code} name={name} />
      </div>
    </div>
  );
}

/** What to put into another site's page. */
export function codesOf({ link, slug, title }: Pick<EventDetails, 'link' | 'slug' | 'title'>): {
  frame: string;
  script: string;
} {
  const { origin } = new URL(link);
  const quoted = title.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return {
    frame: `<iframe src="${origin}/embed/${slug}" width="640" height="420" allow="autoplay; fullscreen; picture-in-picture" title="${quoted}"></iframe>`,
    script: `<script type="module" src="${origin}/player.js"></script>\n<freshet-player event="${slug}" api="${origin}/api/v1" autoplay></freshet-player>`,
  };
}

function valuesOf({ embed }: EventDetails) {
  return { where: embed.where, sites: (embed.sites ?? []).join('\n') };
}
type Values = ReturnType<typeof valuesOf>;

function Sites() {
  const { t } = useWords();
  return (
    <FieldsForm
      valuesOf={valuesOf}
      fieldsOf={({ where, sites }) => ({ embed: { where, sites: where === 'listed' ? linesOf(sites) : [] } })}
      act={t('embed.save')}
      places={{ embed: 'sites' }}
      names={pointers => {
        const wrong = wrongLines(pointers, 'embed/sites');
        return {
          sites: {
            label: t('embed.sites'),
            wrong:
              wrong.length > 0 ? t('embed.sites.wrong', { lines: wrong.join(', ') }) : t('embed.sites.many'),
          },
        };
      }}
    >
      {control => (
        <>
          <Select
            control={control}
            name="where"
            label={t('embed.where')}
            choices={places.map(value => ({ value, name: t(`embed.where.${value}`) }))}
          />
          <Listed control={control} />
        </>
      )}
    </FieldsForm>
  );
}

/** The list, where there is one. */
function Listed({ control }: { control: Control<Values> }) {
  const { t } = useWords();
  if (useWatch({ control, name: 'where' }) !== 'listed') return null;
  return (
    <Field
      control={control}
      name="sites"
      label={t('embed.sites')}
      hint={t('embed.sites.hint')}
      lines={4}
      autoComplete="off"
    />
  );
}
